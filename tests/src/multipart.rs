//! The body of a publish, right or wrong in every way that a client may get it wrong.

use crate::http::Request;
use crate::package::Archive;

const BOUNDARY: &str = "----a-line-that-no-archive-holds-7f3c";

/// A publish. By itself it is right; its methods may make it wrong.
#[derive(Debug, Clone)]
pub struct Upload {
    archive: Option<Vec<u8>>,
    part_name: String,
    part_type: String,
    checksum: Option<String>,
    checksum_first: bool,
    target: String,
}

impl Upload {
    /// The archive with its checksum.
    pub fn new(archive: Archive) -> Self {
        Self {
            archive: Some(archive.bytes),
            part_name: "package".to_owned(),
            part_type: "application/octet-stream".to_owned(),
            checksum: Some(archive.sha256),
            checksum_first: false,
            target: "/registries".to_owned(),
        }
    }

    /// Without the file part.
    pub fn without_file(mut self) -> Self {
        self.archive = None;
        self
    }

    /// Without the checksum.
    pub fn without_checksum(mut self) -> Self {
        self.checksum = None;
        self
    }

    /// With another checksum.
    pub fn checksum(mut self, checksum: &str) -> Self {
        self.checksum = Some(checksum.to_owned());
        self
    }

    /// With the checksum in front of the file.
    pub fn checksum_first(mut self) -> Self {
        self.checksum_first = true;
        self
    }

    /// With another name of the file part.
    pub fn part_name(mut self, name: &str) -> Self {
        self.part_name = name.to_owned();
        self
    }

    /// With another type of the file part.
    pub fn part_type(mut self, media_type: &str) -> Self {
        self.part_type = media_type.to_owned();
        self
    }

    /// For every check, and nothing stored.
    pub fn dry_run(self) -> Self {
        self.query("dry_run=true")
    }

    /// With this behind the `?`.
    pub fn query(mut self, query: &str) -> Self {
        self.target = format!("/registries?{query}");
        self
    }

    /// The request, still without credentials.
    pub fn request(&self) -> Request {
        let mut parts = Vec::new();
        if let Some(archive) = &self.archive {
            let name = &self.part_name;
            let head = format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"package.tgz\"\r\n\
                 Content-Type: {}\r\n\r\n",
                self.part_type
            );
            parts.push([head.as_bytes(), archive].concat());
        }
        if let Some(checksum) = &self.checksum {
            let part =
                format!("Content-Disposition: form-data; name=\"checksum\"\r\n\r\n{checksum}");
            parts.push(part.into_bytes());
        }
        if self.checksum_first {
            parts.reverse();
        }
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{BOUNDARY}\r\n").as_bytes());
            body.extend_from_slice(&part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        Request::new("POST", &self.target)
            .header(
                "Content-Type",
                &format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(body)
    }
}
