//! Manifests and presets: what the schema accepts is a manifest with an address; each fault points into the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rackgen::check::disagreements;
use rackgen::schema::{NoIdentity, check_manifest, check_preset, identity};

fuzz_target!(|document: &[u8]| {
    let named = identity(document);
    match check_manifest(document) {
        Ok(manifest) => {
            // Permission is decided by the one, the place by the other.
            match named {
                Ok(named) => assert_eq!(named.namespace, manifest.namespace.as_str()),
                Err(fault) => assert!(matches!(fault, NoIdentity::OtherName { .. }), "{fault}"),
            }
            if let Ok(id) = manifest.release_id() {
                assert_eq!(id.item.namespace, manifest.namespace);
                assert_eq!(id.version, manifest.version);
            }
            let declared = manifest.declared_files().cloned().collect::<Vec<_>>();
            assert_eq!(disagreements(&manifest, declared.iter()), []);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = document.split(|&byte| byte == b'\n').count();
            for fault in faults {
                assert!((1..=lines).contains(&(fault.line as usize)), "{fault:?}");
                assert!(fault.column >= 1, "{fault:?}");
                assert!(!fault.to_string().contains(char::is_control), "{fault:?}");
            }
        }
    }
    let _ = check_preset(document);
});
