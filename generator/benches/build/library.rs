//! All that this benchmark touches of the `rackgen` library: levels, variants, digests, and a publish in the order of
//! `uploader/src/publish`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rackgen::access::Access;
use rackgen::audit::Rotation;
use rackgen::build::{Arriving, ItemChange, Registry};
use rackgen::coding::{Coding, Encodings};
use rackgen::commit::{OutputSettings, durable};
pub(crate) use rackgen::compress::VARIANTS_FROM;
use rackgen::compress::{self, Compression};
use rackgen::folders::{self, Adoption};
pub(crate) use rackgen::model::event::EVENTS_FILE;
use rackgen::model::manifest::MANIFEST_FILE;
use rackgen::model::{Change, ContentDigest, Event, FilePath, ItemId, Sha256, StoredFile};
pub(crate) use rackgen::plan::key::CacheClass;

use crate::Result;
use crate::corpus::Texts;
use crate::synthetic::{Address, Folders, write_version};

/// The compressors and levels that a build with the default settings uses.
pub(crate) fn levels(class: CacheClass, len: usize) -> Vec<(Coding, i32)> {
    let level = |coding| Compression::default().level(coding, class, len as u64);
    Encodings::default()
        .iter()
        .map(|coding| (coding, level(coding)))
        .collect()
}

/// The variants of what never changes, as small as the library makes them.
pub(crate) fn best_variants(identity: &[u8]) -> Result<Vec<(Coding, Vec<u8>)>> {
    let all: Encodings = "br,gzip,zstd".parse()?;
    Ok(compress::variants(
        identity,
        CacheClass::Immutable,
        &all,
        Compression::Best,
    )?)
}

/// The line in an item's log that a publish of this version leaves.
pub(crate) fn publish_line(version: &str, texts: &Texts) -> Result<String> {
    Ok(publish_event(version, &stored(texts)?)?.to_line()?)
}

fn stored(texts: &Texts) -> Result<BTreeMap<FilePath, StoredFile>> {
    let file = |bytes: &[u8]| StoredFile {
        sha256: Sha256::of(bytes),
        len: bytes.len() as u64,
    };
    texts
        .iter()
        .map(|(path, bytes)| Ok((path.parse()?, file(bytes))))
        .collect()
}

fn publish_event(version: &str, files: &BTreeMap<FilePath, StoredFile>) -> Result<Event> {
    Ok(Event {
        change: Change::Publish {
            version: version.parse()?,
            digest: digest(files),
            archive: None,
        },
        time: "2026-01-01T00:00:00Z".parse()?,
        by: "bench".into(),
    })
}

fn digest(files: &BTreeMap<FilePath, StoredFile>) -> ContentDigest {
    ContentDigest::of(files.iter().map(|(path, file)| (path, &file.sha256)))
}

/// A registry that was opened once, as the daemon has it.
#[derive(Debug)]
pub(crate) struct Opened(Registry);

impl Opened {
    pub(crate) fn open(folders: &Folders) -> Result<Self> {
        let folders = folders::Folders {
            source: folders.source.clone(),
            public: folders.public(),
            private: folders.private(),
            state: folders.state(),
        };
        let folders = folders.check(Adoption::IfNew)?;
        Ok(Self(Registry::new(
            folders,
            OutputSettings::default(),
            Rotation::default(),
        )))
    }

    /// Publishes a version, durably and visibly; the time from when the upload lies unpacked and verified.
    pub(crate) fn publish(
        &self,
        address: &Address,
        version: &str,
        texts: &Texts,
    ) -> Result<Duration> {
        let registry = &self.0;
        let source = registry.source();
        let id: ItemId = format!("{}/{}", address.namespace, address.path).parse()?;
        let release = id.release(version.parse()?);
        let contents = source
            .staging()
            .join(format!("{}-{version}", id.path.name()));
        write_version(&contents, texts)?;
        let files = stored(texts)?;
        let event = publish_event(version, &files)?;
        settle(source.root())?;

        let manifest = MANIFEST_FILE.parse::<FilePath>()?;
        let arriving = Arriving {
            version: release.version.clone(),
            folder: contents.clone(),
            digest: digest(&files),
            manifest: files[&manifest].clone(),
            files,
        };
        let intent = registry.folders().state.join("intent.json");
        let start = Instant::now();
        let _lock = registry.lock_source()?;
        let mut history = source.history(&id)?;
        history.apply(event.clone());
        let change = ItemChange {
            arriving: vec![arriving],
            ..ItemChange::of(id.clone(), history)
        };
        let session = registry.stage_items(&[change], &Access::Open)?;
        fs::write(&intent, event.to_line()?)?;
        let ready = session.ready(&[source.root()])?;
        source.admit(&contents, &source.release(&release))?;
        source.append(&id, &event)?;
        let visible = ready.show()?;
        let took = start.elapsed();
        visible.settle()?;
        Ok(took)
    }
}

/// Writes out what earlier work left dirty, so that what is measured next pays for its own alone.
pub(crate) fn settle(folder: &Path) -> Result<()> {
    Ok(durable::sync_file_systems([folder])?)
}
