//! Daemons with settings of their own: what the usual one would never say.

use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::Request;
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

use crate::expect::Expect;
use crate::pass::Pass;
use crate::suite::{Suite, Target, unless};

/// Rates that hold nobody up: of writes, and of reads.
pub(crate) const UNHURRIED: [(&str, &str); 2] = [
    ("--rate-limit", "1000000/min"),
    ("--rate-limit-reads", "1000000/min"),
];

/// Runs the cases.
pub(crate) fn run(suite: &mut Suite) {
    metrics(suite);
    let [writes, reads] = UNHURRIED;
    let registry =
        Registry::new(&json!({ "@open": [], "@team": [{ "token": "secret-of-the-team-0b6e" }] }));
    registry.put(&Release::new("@open", "auth", "1.0.0"));
    registry.build();
    with(
        suite,
        &registry,
        &[writes, reads, ("--read-only", "true")],
        read_only,
    );
    with(
        suite,
        &registry,
        &[writes, reads, ("--max-upload", "1MiB")],
        small_uploads,
    );
    with(
        suite,
        &registry,
        &[("--rate-limit", "5/min"), reads],
        slow_writes,
    );
    with(
        suite,
        &registry,
        &[writes, ("--rate-limit-reads", "5/min")],
        slow_reads,
    );
    with(suite, &registry, &UNHURRIED, default_encodings);
}

/// Runs cases against a daemon of their own, and against nginx in front of it where that is what is tested. Both have
/// the same settings.
pub(crate) fn with(
    suite: &mut Suite,
    registry: &Registry,
    flags: &[(&str, &str)],
    cases: impl FnOnce(&mut Suite, &Rackd),
) {
    let (mut rackd, mut nginx) = (registry.rackd().behind_a_proxy(), registry.nginx());
    for (flag, value) in flags {
        rackd = match *value {
            "true" => rackd.switch(flag),
            value => rackd.flag(flag, value),
        };
        let variable = flag.replace("--", "RACK_").replace('-', "_").to_uppercase();
        nginx = nginx.setting(&variable, value);
    }
    let daemon = rackd.start();
    let nginx = (suite.target().pass == Pass::Nginx).then(|| nginx.daemon(&daemon).start());
    let target = Target {
        url: nginx
            .as_ref()
            .map_or(daemon.url().to_owned(), |nginx| nginx.url()),
        source: registry.source(),
        twin: None,
        ..suite.target().clone()
    };
    suite.on(target, |suite| cases(suite, &daemon));
}

fn metrics(suite: &mut Suite) {
    if suite.target().pass == Pass::Nginx {
        let expect = Expect::error(404, "NOT_FOUND");
        suite.ask("daemons: metrics", &Request::get("/metrics"), &expect);
        return;
    }
    let expect = Expect::status(200).header("Cache-Control", "no-store");
    if let Some(answer) = suite.ask("daemons: metrics", &Request::get("/metrics"), &expect) {
        suite.check("daemons: metrics are Prometheus text", |_| {
            let text = String::from_utf8_lossy(&answer.body);
            let fine = text.lines().any(|line| line.starts_with("# TYPE "));
            Ok(unless(fine, || "no `# TYPE` line".to_owned()))
        });
    }
}

fn read_only(suite: &mut Suite, _: &Rackd) {
    let release = suite.fresh("@open");
    let upload = Upload::new(Archive::pack(&release, &mut suite.random));
    let request = upload.request().bearer(ADMIN_TOKEN);
    let expect = Expect::error(503, "UNAVAILABLE");
    suite.ask("daemons: read-only, a publish", &request, &expect);
    let yank = Request::new("PUT", "/registries/@open/features/auth/1.0.0/yank");
    let nobody = Expect::error(401, "UNAUTHORIZED");
    suite.ask("daemons: read-only, a yank by nobody", &yank, &nobody);
    let yank = yank.bearer(ADMIN_TOKEN);
    suite.ask("daemons: read-only, a yank", &yank, &expect);
    let request = Request::get("/registries/@open/features/auth");
    suite.ask("daemons: read-only, a read", &request, &Expect::status(200));
}

fn small_uploads(suite: &mut Suite, _: &Rackd) {
    let release = suite.fresh("@open");
    let release = release.file("large.bin", suite.random.bytes(5 << 20));
    let upload = Upload::new(Archive::pack(&release, &mut suite.random));
    let request = upload.request().bearer(ADMIN_TOKEN);
    let expect = Expect::error(413, "PAYLOAD_TOO_LARGE");
    suite.ask("daemons: an upload above the limit", &request, &expect);
    let release = suite.fresh("@open");
    let upload = Upload::new(Archive::pack(&release, &mut suite.random));
    let request = upload.request().bearer(ADMIN_TOKEN);
    suite.ask(
        "daemons: an upload below the limit",
        &request,
        &Expect::status(201),
    );
}

fn slow_writes(suite: &mut Suite, _: &Rackd) {
    let gated = Request::get("/registries/@team/features/any").bearer("unknown");
    exhaust(suite, "daemons: failed credentials above the rate", &gated);
    let open = Request::get("/registries/@open/features/auth");
    suite.ask(
        "daemons: open reads have a rate of their own",
        &open,
        &Expect::status(200),
    );
}

fn slow_reads(suite: &mut Suite, _: &Rackd) {
    let open = Request::get("/registries/@open/features/auth");
    exhaust(suite, "daemons: reads above the rate", &open);
}

/// Asks until the rate is used up. Five a minute are used up long before a hundred.
fn exhaust(suite: &mut Suite, name: &str, request: &Request) {
    let url = suite.target().url.clone();
    let limited = |request: &Request| request.send(&url).is_ok_and(|answer| answer.status == 429);
    for _ in 0..100 {
        if limited(request) {
            break;
        }
    }
    suite.ask(name, request, &Expect::error(429, "RATE_LIMIT_EXCEEDED"));
}

/// Without the setting there are br and gzip, and no zstd.
fn default_encodings(suite: &mut Suite, _: &Rackd) {
    for (asked, given) in [("br", Some("br")), ("gzip", Some("gzip")), ("zstd", None)] {
        let request =
            Request::get("/registries/@open/features/auth").header("Accept-Encoding", asked);
        let expect = match given {
            Some(coding) => Expect::status(200).header("Content-Encoding", coding),
            None => Expect::status(200).no_header("Content-Encoding"),
        };
        suite.ask(&format!("daemons: {asked} by default"), &request, &expect);
    }
}
