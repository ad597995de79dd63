//! A new item in a namespace that holds very many: its list is made again, and compressed once.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rackgen::coding::Coding;
use rayon::prelude::*;

use crate::Result;
use crate::library::{self, CacheClass, Opened};
use crate::limits::compress::{Compressors, brotli};
use crate::meter::median;
use crate::synthetic::{Address, Folders};
use crate::table::{Goal, Table, Unit};

const REPETITIONS: usize = 9;
const NAMESPACE: &str = "@crowd";

pub(crate) fn run(folder: &Path, items: usize, table: &mut Table) -> Result<()> {
    eprintln!(
        "a namespace of {items} items: making it in {}",
        folder.display()
    );
    let folders = Folders {
        source: folder.join("source"),
        outputs: folder.join("outputs"),
    };
    (0..items).into_par_iter().try_for_each(|number| {
        let address = address(number);
        let folder = folders.source.join(address.folder()).join("1.0.0");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("registry.json"), manifest(&address))?;
        Ok::<_, crate::Boxed>(())
    })?;
    super::build(&folders)?;
    let opened = Opened::open(&folders)?;
    let mut publishes = Vec::new();
    let mut lists = Vec::new();
    for repetition in 0..REPETITIONS {
        let address = address(items + repetition);
        let texts = vec![("registry.json", manifest(&address))];
        publishes.push(Unit::Millis.of(opened.publish(&address, "1.0.0", &texts)?));
        lists.push(make_list(items + repetition)?);
    }
    let name = format!("a new item in a namespace of {items}");
    let publish = median(&publishes).ok_or("no repetition")?;
    table.row(
        name,
        Unit::Millis,
        publish,
        median(&lists),
        Goal::Value(150.0),
    );
    Ok(())
}

fn address(number: usize) -> Address {
    Address {
        namespace: NAMESPACE.to_owned(),
        path: format!("features/group-{}/item-{number}", number / 1_000),
    }
}

/// So short that it has no variants: the list is what this is about.
fn manifest(address: &Address) -> Vec<u8> {
    let name = address.path.rsplit('/').next();
    let manifest = serde_json::json!({
        "name": name,
        "namespace": address.namespace,
        "version": "1.0.0",
        "type": "registry:feature",
        "priority": 5,
    });
    manifest.to_string().into_bytes()
}

/// The list, made once and compressed whole in one thread.
fn make_list(items: usize) -> Result<f64> {
    let mut paths: Vec<String> = (0..items).map(|number| address(number).path).collect();
    paths.sort();
    let mut compressors = Compressors::default();
    let start = Instant::now();
    let list =
        serde_json::to_vec(&serde_json::json!({"namespace": NAMESPACE, "registries": paths}))?;
    for (coding, level) in library::levels(CacheClass::Pointer, list.len()) {
        match coding {
            Coding::Gzip => compressors.gzip(&list, level)?,
            Coding::Br => brotli(&list, level)?,
            Coding::Zstd => compressors.zstd(&list, level)?,
        };
    }
    Ok(Unit::Millis.of(start.elapsed()))
}
