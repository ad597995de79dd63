//! Caddy and Apache with the configurations of `docs/` answer as `rackd` itself does: the same status, bytes and
//! headers for every URL, an ETag of their own that says 304, and nothing that is no URL.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use rack_tests::coding::decode;
use rack_tests::daemon::{ADMIN_TOKEN, Rackd};
use rack_tests::http::{Request, Response, send_raw};
use rack_tests::multipart::Upload;
use rack_tests::package::Archive;
use rack_tests::random::Random;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use rack_tests::tree::{copy, tree};
use rack_tests::{project_root, proved, rounds, wait};
use serde_json::json;

#[test]
fn caddy_answers_as_rackd_does() {
    answers_alike("caddy", |registry, daemon, listen| {
        let config = configuration("caddy/Caddyfile", registry, daemon);
        let config = replace(&config, "registry.example.com", &format!("http://{listen}"));
        let path = registry.root().join("Caddyfile");
        fs::write(&path, format!("{{\n\tadmin off\n}}\n{config}")).expect("a file");
        let args = ["run", "--adapter", "caddyfile", "--config"].map(PathBuf::from);
        args.into_iter().chain([path]).collect()
    });
}

#[test]
fn apache_answers_as_rackd_does() {
    // What Debian's package has on by itself, which must not get in the way, and what docs/apache.md asks for.
    let modules = "mpm_event authz_core dir mime deflate filter negotiation env rewrite headers proxy proxy_http";
    answers_alike("apache2", |registry, daemon, listen| {
        let root = registry.root();
        let site = root.join("registry.conf");
        fs::write(
            &site,
            configuration("apache/registry.conf", registry, daemon),
        )
        .expect("a file");
        let mut config = format!(
            "ServerName localhost\nListen {listen}\nPidFile {root}/apache.pid\nErrorLog {root}/apache.log\n\
             User www-data\nGroup www-data\n",
            root = root.display()
        );
        for module in modules.split(' ') {
            let path = format!("/usr/lib/apache2/modules/mod_{module}.so");
            config += &format!("LoadModule {module}_module {path}\n");
        }
        for file in ["mime", "deflate", "negotiation", "dir"] {
            config += &format!("Include /etc/apache2/mods-available/{file}.conf\n");
        }
        config += &format!(
            "<VirtualHost {listen}>\nInclude {}\n</VirtualHost>\n",
            site.display()
        );
        let path = root.join("apache.conf");
        fs::write(&path, config).expect("a file");
        // Apache leaves its tree only to a user who may read it; ours is in a folder of the test's own.
        fs::set_permissions(root, Permissions::from_mode(0o755)).expect("a mode");
        vec!["-DFOREGROUND".into(), "-f".into(), path]
    });
}

/// The configuration as it is in `docs/`, with the two places that everybody has to name.
fn configuration(path: &str, registry: &Registry, daemon: &Rackd) -> String {
    let text = fs::read_to_string(project_root().join("docs").join(path)).expect("a file");
    let public = registry.public().display().to_string();
    let text = replace(&text, "/var/lib/rack/main/public", &public);
    let daemon = daemon.url().trim_start_matches("http://");
    replace(&text, "127.0.0.1:8080", daemon)
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands there once");
    text.replace(from, to)
}

fn answers_alike(program: &str, arguments: impl Fn(&Registry, &Rackd, &str) -> Vec<PathBuf>) {
    if rounds(0, 1) == 0 {
        return;
    }
    let Some(program) = installed(program) else {
        println!("SKIPPED: {program} is not installed");
        return;
    };
    let registry = registry();
    let mut daemon = registry
        .rackd()
        .flag("--trust-proxy", "1")
        .unhurried()
        .start();
    let server = Server::start(&registry, &program, |listen| {
        arguments(&registry, &daemon, listen)
    });

    let mut faults = Faults::default();
    let urls = urls(&registry);
    let mut reads = 0;
    for url in &urls {
        for accepted in [
            None,
            Some("identity"),
            Some("gzip, deflate"),
            Some("zstd"),
            Some("gzip, deflate, br, zstd"),
            Some("br;q=0, GZIP;q=0.001"),
            Some("gzip;q=0, br;q=0.000"),
            Some("*"),
            Some("xbr, brr"),
            Some(""),
        ] {
            faults.add(url, compare_read(&server, &daemon, url, accepted));
            reads += 1;
        }
    }
    let mut refusals = 0;
    for url in nowhere(&urls) {
        faults.add(&url, compare_refusal(&server, &daemon, &Request::get(&url)));
        refusals += 1;
    }
    for request in other_requests() {
        let what = format!("{} {}", request.method, request.target);
        faults.add(&what, compare_refusal(&server, &daemon, &request));
        refusals += 1;
    }
    faults.none();

    publishes(&server);
    gated_is_read_with_its_token(&server);
    inner_is_not_reached(&server);
    whole_urls_lead_nowhere(&server, &registry);
    daemon.kill();
    without_its_daemon(&server, &urls);
    proved(
        &format!(
            "{} serves as rackd does",
            program.file_name().unwrap_or_default().display()
        ),
        format!("{} URLs, {reads} reads, {refusals} refusals", urls.len()),
    );
}

/// The examples, with a gated namespace, and with names that a web server has ideas of its own about.
fn registry() -> Registry {
    let registry =
        Registry::new(&json!({ "@rack": [], "@open": [], "@gated": [{ "token": "gated-token" }] }))
            .setting("RACK_ENCODINGS", "br,gzip,zstd");
    copy(
        &project_root().join("examples/registry"),
        &registry.source(),
    );
    let text = "a line that a compressor likes\n".repeat(40);
    let extensions = "js cjs mjs jsx ts tsx css scss less html svg json yaml yml toml xml md txt woff woff2 ttf otf \
                      png gif jpg jpeg webp ico JSON Ts bin php phtml cgi var shtml gz Z tgz br zst de en asis";
    let mut release = Release::new("@open", "traps", "1.0.0-rc.1+build.7");
    for extension in extensions.split_whitespace() {
        release = release.file(&format!("all/of.{extension}"), text.clone());
    }
    for path in [
        "index.json",
        "templates/index.json",
        "templates/index.html",
        "data.json",
        "data.json.gz",
        "data.json.br",
        "page.html.de",
        "page.html.gz",
        "files/files/a.txt",
        "LICENSE",
        "a+b@c.txt",
        "-",
        ".htaccess",
        ".gitignore",
        "empty",
    ] {
        let bytes = if path == "empty" {
            String::new()
        } else {
            format!("{path}\n{text}")
        };
        release = release.file(path, bytes);
    }
    registry.put(&release);
    registry.put(&Release::new("@gated", "secret", "1.0.0").file("a.txt", text));
    registry.build();
    // Apache dates nothing later than now, and a build gives times that are seconds ahead.
    let public = tree(&registry.public());
    let youngest = public.values().map(|entry| entry.mtime).max();
    wait::until("the times of the build to be past", wait::LONG, || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("a clock that is set").as_secs();
        youngest.is_some_and(|time| time + 1 < now).then_some(())
    });
    // A build that was killed leaves this.
    fs::create_dir(registry.public().join(".staging")).expect("a folder");
    fs::write(registry.public().join(".staging/1.json"), "{}").expect("a file");
    registry
}

/// Every URL of the public tree (docs/trees.md, "From a URL to a file").
fn urls(registry: &Registry) -> Vec<String> {
    let paths = tree(&registry.public()).into_keys();
    // The variants of what is there anyhow.
    let paths = paths.filter(|path| !path.starts_with('.'));
    let paths = paths.map(|path| {
        let itself = path.starts_with("schemas/")
            || (path.starts_with("registries/") && path.contains("/files/"));
        match path.strip_suffix("/index.json") {
            Some(folder) if !itself => format!("/{folder}"),
            _ => format!("/{path}"),
        }
    });
    let paths: Vec<String> = paths.collect();
    assert!(paths.len() > 200, "{} URLs", paths.len());
    let escaped = paths
        .iter()
        .map(|url| url.replace('@', "%40").replace('+', "%2b"));
    let escaped: Vec<String> = escaped.filter(|url| url.contains('%')).collect();
    [paths, escaped].concat()
}

/// What is in the tree or near it, and no URL; and what nothing is at.
fn nowhere(urls: &[String]) -> Vec<String> {
    let fixed = [
        "/",
        "/.rack-id",
        "/.rack-lock",
        "/.staging/1.json",
        "/.staging",
        "/.variants",
        "/%2erack-id",
        "/.variants/br/namespaces/index.json",
        "/.variants/gzip/schemas/preset.json",
        "//.rack-id",
        "/namespaces/..%2f.rack-id",
        "/namespaces/%2e%2e/.rack-id",
        "/namespaces/../.rack-id",
        "/../access.json",
        "/namespaces/../../access.json",
        "/registries/../.rack-id",
        "/schemas/../.rack-id",
        "/schemas/",
        "/schemas",
        "/schemas/%2e%2e/.rack-id",
        "/schemas/other.json",
        "/presets/%2e%2e%2fsecret",
        "/presets/none",
        "/namespaces/@none/registries",
        "/namespaces/@rack",
        "/namespaces/@gated/registries",
        "/registries",
        "/registries/@rack",
        "/registries/@none/features/x",
        "/registries/@gated/features/secret",
        "/registries/@gated/features/secret/1.0.0/files/a.txt",
        "/registries/@rack/../@gated/features/secret",
        "/registries/@rack/..%2f@gated/features/secret",
        "/registries/@RACK/quality/eslint",
        "/registries/@rack/quality/eslint/9.9.9",
        "/registries/@rack/quality//eslint",
        "/elsewhere",
        "/registries/@rack/quality/eslint/1.0.0/files/none.txt",
        "/registries/@rack/quality/eslint/1.0.0/files/",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/all",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/files",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/data",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/all/of",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/.",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/../index.json",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/%2e%2e/index.json",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/all%2fof.txt",
        "/registries/@open/features/traps/1.0.0-rc.1+build.7/files/all/%6ff.txt",
    ];
    let derived = urls.iter().filter(|url| !url.contains("/files/"));
    let derived = derived.flat_map(|url| {
        [
            format!("{url}/"),
            format!("{url}/index.json"),
            format!("{url}.gz"),
        ]
    });
    fixed
        .map(str::to_owned)
        .into_iter()
        .chain(derived)
        .collect()
}

fn other_requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FROB"] {
        for target in [
            "/namespaces",
            "/registries/@rack/quality/eslint",
            "/schemas/preset.json",
            "/registries",
        ] {
            requests.push(Request::new(method, target));
        }
    }
    requests.push(Request::get("/namespaces").bearer("wrong"));
    requests.push(Request::get("/namespaces").header("X-Registry-Token", "wrong"));
    requests.push(Request::get("/namespaces").bearer("gated-token"));
    requests.push(Request::get("/health"));
    requests.push(Request::get("/registries/@gated/features/secret").bearer("wrong"));
    // Early, while the body is on its way.
    requests.push(Request::new("POST", "/registries").body(vec![7; 4 << 20]));
    requests
}

/// The headers that a read says the same with, whoever answers.
const READ_HEADERS: [&str; 9] = [
    "Content-Type",
    "Content-Encoding",
    "Content-Length",
    "Cache-Control",
    "Last-Modified",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
];

fn compare_read(
    server: &Server,
    daemon: &Rackd,
    url: &str,
    accepted: Option<&str>,
) -> Result<(), String> {
    let ask = |method: &str, base: &str, tag: Option<&str>| {
        let mut request = Request::new(method, url);
        if let Some(accepted) = accepted {
            request = request.header("Accept-Encoding", accepted);
        }
        if let Some(tag) = tag {
            request = request.header("If-None-Match", tag);
        }
        request.send(base).map_err(|fault| fault.to_string())
    };
    let expected = ask("GET", daemon.url(), None)?;
    let answer = ask("GET", server.url(), None)?;
    let head = ask("HEAD", server.url(), None)?;
    let accepted = accepted.unwrap_or("nothing");
    same("status", expected.status, answer.status)?;
    same("status of HEAD", 200, head.status)?;
    for name in READ_HEADERS {
        same(
            &format!("{name} for {accepted}"),
            expected.header(name),
            answer.header(name),
        )?;
        // Apache says no length of nothing.
        if !(name == "Content-Length" && answer.body.is_empty()) {
            same(
                &format!("{name} of HEAD for {accepted}"),
                answer.header(name),
                head.header(name),
            )?;
        }
    }
    same("Vary", expected.list("Vary"), answer.list("Vary"))?;
    if answer.body != expected.body {
        return Err(format!("other bytes for {accepted}"));
    }
    decode(answer.header("Content-Encoding"), &answer.body).map_err(|fault| fault.to_string())?;

    let etag = answer.header("ETag").ok_or("no ETag")?;
    // Apache calls a tag weak while the file's time is not past.
    let plain = etag.trim_start_matches("W/");
    for tag in [
        etag.to_owned(),
        format!("W/{plain}"),
        format!("\"other\", {plain}"),
        "*".to_owned(),
    ] {
        let again = ask("GET", server.url(), Some(&tag))?;
        same(
            &format!("status for If-None-Match {tag}"),
            304,
            again.status,
        )?;
        for name in ["ETag", "Cache-Control"] {
            same(
                &format!("{name} of a 304"),
                answer.header(name),
                again.header(name),
            )?;
        }
        same("Vary of a 304", answer.list("Vary"), again.list("Vary"))?;
    }
    same(
        "status for another tag",
        200,
        ask("GET", server.url(), Some("\"other\""))?.status,
    )?;
    for range in ["bytes=0-1", "bytes=999999999-"] {
        let part = Request::get(url).header("Range", range);
        let part = part.send(server.url()).map_err(|fault| fault.to_string())?;
        same(&format!("status of the range {range}"), 200, part.status)?;
    }
    Ok(())
}

fn compare_refusal(server: &Server, daemon: &Rackd, request: &Request) -> Result<(), String> {
    let ask = |base: &str| request.send(base).map_err(|fault| fault.to_string());
    let (expected, answer) = (ask(daemon.url())?, ask(server.url())?);
    // Some paths a web server refuses before anybody is asked: then it is a 400 or 404 of its own.
    let own = answer.header("X-Request-Id").is_none();
    if own {
        let ours = matches!(answer.status, 400 | 404) && matches!(expected.status, 400 | 404);
        return if ours {
            is_json(&answer)
        } else {
            Err(format!(
                "{} of its own for {}",
                answer.status, expected.status
            ))
        };
    }
    same("status", expected.status, answer.status)?;
    same("code", expected.code(), answer.code())?;
    for name in [
        "Content-Type",
        "Cache-Control",
        "Allow",
        "WWW-Authenticate",
        "Access-Control-Allow-Methods",
    ] {
        same(name, expected.header(name), answer.header(name))?;
    }
    Ok(())
}

fn is_json(answer: &Response) -> Result<(), String> {
    same(
        "Content-Type",
        Some("application/json"),
        answer.header("Content-Type"),
    )?;
    same(
        "Cache-Control",
        Some("no-store"),
        answer.header("Cache-Control"),
    )?;
    if answer.code().is_empty() {
        return Err(format!("{} without a code", answer.status));
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what}: {found:?} in place of {expected:?}")),
    }
}

/// An upload arrives, and the next read sees it.
fn publishes(server: &Server) {
    let mut random = Random::announced("other_web_servers_answer_alike");
    let release = Release::new("@open", "fresh", "1.0.0").file("a.bin", random.bytes(3 << 20));
    let upload = Upload::new(Archive::pack(&release, &mut random));
    let dry_run = upload.clone().dry_run().request().bearer(ADMIN_TOKEN);
    let answer = dry_run.send(server.url()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.json());
    for status in [201, 409] {
        let answer = upload.request().bearer(ADMIN_TOKEN).send(server.url());
        assert_eq!(answer.expect("an answer").status, status);
    }
    let read = Request::get(&release.url())
        .send(server.url())
        .expect("an answer");
    assert_eq!(read.body, release.manifest());
    assert!(
        read.header("X-Request-Id").is_none(),
        "the web server reads it from the tree"
    );
}

/// What is gated comes from the daemon, and is nothing for caches that are shared.
fn gated_is_read_with_its_token(server: &Server) {
    let request =
        Request::get("/registries/@gated/features/secret/1.0.0/files/a.txt").bearer("gated-token");
    let answer = request.send(server.url()).expect("an answer");
    assert_eq!(answer.status, 200);
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("Content-Length"), Some(&length[..]));
    let lifetime = answer.header("Cache-Control").unwrap_or_default();
    assert!(lifetime.starts_with("private"), "{lifetime}");
    assert!(
        answer.list("Vary").contains("authorization"),
        "{:?}",
        answer.headers
    );
}

/// Figures and verdicts are not for the world, however they are spelled.
fn inner_is_not_reached(server: &Server) {
    for target in [
        "/metrics",
        "/auth",
        "//metrics",
        "/%6detrics",
        "/./metrics",
        "/x/../auth",
        "/metrics?x",
        "/AUTH",
    ] {
        let answer = Request::get(target).header("X-Rack-Namespace", "@gated");
        let answer = answer.send(server.url()).expect("an answer");
        assert!(
            matches!(answer.status, 400 | 404),
            "{target}: {}",
            answer.status
        );
        is_json(&answer).unwrap_or_else(|fault| panic!("{target}: {fault}"));
    }
}

/// A request line may hold a whole URL, as for a proxy, or no version: the files of ours stay out of reach.
fn whole_urls_lead_nowhere(server: &Server, registry: &Registry) {
    let marker = fs::read(registry.public().join(".rack-id")).expect("a marker");
    for target in [
        "/.rack-id",
        "/.staging/1.json",
        "/.variants/br/namespaces/index.json",
        "/../access.json",
    ] {
        for line in [
            format!("GET {}{target} HTTP/1.1", server.url()),
            format!("GET {} HTTP/1.1", target.trim_start_matches('/')),
            format!("GET {target} HTTP/1.0"),
        ] {
            let host = server.url().trim_start_matches("http://");
            let request = format!("{line}\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let answer = send_raw(server.url(), request.as_bytes()).expect("an answer");
            assert!(
                matches!(answer.status, 400 | 404),
                "{line}: {}",
                answer.status
            );
            assert_ne!(answer.body, marker, "{line}");
        }
    }
}

/// With its daemon down a web server goes on reading what is public, and says 503 to all else.
fn without_its_daemon(server: &Server, urls: &[String]) {
    for url in urls {
        let answer = Request::get(url).send(server.url()).expect("an answer");
        assert_eq!(answer.status, 200, "{url} with rackd down");
    }
    for request in [
        Request::get("/registries/@gated/features/secret"),
        Request::new("POST", "/registries"),
    ] {
        let answer = request.send(server.url()).expect("an answer");
        assert_eq!(
            (answer.status, &answer.code()[..]),
            (503, "UNAVAILABLE"),
            "{}",
            request.target
        );
        is_json(&answer).expect("an error of ours");
        assert!(answer.header("Retry-After").is_some());
    }
}

#[derive(Default)]
struct Faults(BTreeMap<String, String>);

impl Faults {
    fn add(&mut self, what: impl Display, outcome: Result<(), String>) {
        if let Err(fault) = outcome {
            self.0.entry(what.to_string()).or_insert(fault);
        }
    }

    fn none(&self) {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|(what, fault)| format!("{what}: {fault}"))
            .collect();
        let shown = lines.len().min(40);
        assert!(
            lines.is_empty(),
            "{} faults:\n{}",
            lines.len(),
            lines[..shown].join("\n")
        );
    }
}

/// Where a program is; Debian keeps some where only root looks.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut programs = folders.map(|folder| folder.join(program));
    programs.find(|program| program.is_file())
}

/// A web server that runs until this is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(
        registry: &Registry,
        program: &Path,
        arguments: impl Fn(&str) -> Vec<PathBuf>,
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listen = free
            .local_addr()
            .expect("a listener knows where it listens")
            .to_string();
        drop(free);
        let log = registry.logs().join("web-server");
        let output = File::create(&log).expect("a file");
        let mut process = Command::new(program)
            .args(arguments(&listen))
            .env("HOME", registry.root())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file"))
            .stderr(output)
            .spawn()
            .expect("the web server runs");
        wait::until("the web server to accept connections", wait::LONG, || {
            if let Some(status) = process.try_wait().expect("a child can be waited for") {
                panic!(
                    "it ended with {status}:\n{}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            TcpStream::connect(&listen).ok()
        });
        Self {
            process,
            url: format!("http://{listen}"),
        }
    }

    fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, not killed: Apache has children, which go with it.
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        self.process.wait().ok();
    }
}
