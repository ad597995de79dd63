//! The configuration against the types that it is made from.

use fancy_regex::Regex;
use proptest::prelude::*;

use super::routes::EXAMPLES;
use super::*;
use crate::plan::key::PublicKey;

fn instance() -> Instance {
    Instance("main".into())
}

/// The class of a decoded path, as nginx finds it: roots are looked at first, then patterns in their order.
fn by_pattern(routes: &[(Route, Regex)], path: &str) -> Option<&'static str> {
    if path == "/namespaces" {
        return Some("namespaces");
    }
    let root = path.split('/').nth(1)?;
    let matches =
        |(route, regex): &&(Route, Regex)| route.root == root && regex.is_match(path).unwrap();
    routes.iter().find(matches).map(|(route, _)| route.class)
}

fn compiled() -> Vec<(Route, Regex)> {
    let compile = |route: Route| {
        let regex = Regex::new(&format!("^{}$", route.pattern)).unwrap();
        (route, regex)
    };
    routes(&instance()).into_iter().map(compile).collect()
}

/// The class of a path by the rule.
fn by_key(path: &str) -> Option<&'static str> {
    PublicKey::parse(path).ok().map(|key| match key {
        PublicKey::Schema(_) => "schema",
        PublicKey::File(..) => "file",
        PublicKey::Manifest(_) => "manifest",
        PublicKey::Versions(_)
        | PublicKey::Latest(_)
        | PublicKey::Tag(..)
        | PublicKey::Listing(_) => "pointer",
        PublicKey::Preset(_) => "preset",
        PublicKey::Namespaces => "namespaces",
    })
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,6}",
        "[a-z0-9-]{1,6}",
        "@[a-z0-9_-]{1,6}",
        "@[a-z]{60,66}",
        "[a-z]{62,66}",
        "[0-9]{1,2}(\\.[0-9]{1,2}){1,3}([-+.][a-z0-9.-]{0,5}){0,2}",
        "[1-9][0-9]{16,18}\\.0\\.0",
        "1\\.0\\.0[-+][a-z]{118,126}",
        "[A-Za-z0-9._@+-]{1,8}",
        "[A-Za-z0-9._]{125,131}",
        "[ -~]{1,4}",
        Just("versions".to_owned()),
        Just("files".to_owned()),
        Just("tags".to_owned()),
        Just("latest".to_owned()),
        Just("registries".to_owned()),
        Just("rack.json".to_owned()),
        Just("é".to_owned()),
    ]
}

fn paths() -> impl Strategy<Value = String> {
    let root = prop::sample::select(vec![
        "registries/@a/b/1.0.0/files",
        "registries/@a/b/1.0.0",
        "registries/@a/b",
        "registries/@a",
        "registries",
        "namespaces",
        "presets",
        "schemas",
        "health",
    ]);
    (root, prop::collection::vec(word(), 0..12))
        .prop_map(|(root, words)| format!("/{root}/{}", words.join("/")))
        // What the raw path may not hold is refused before.
        .prop_filter("raw", |path| {
            !path.contains(['%', '?', '#'])
                && path
                    .split('/')
                    .skip(1)
                    .all(|segment| !["", ".", ".."].contains(&segment))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn the_patterns_are_the_grammar(path in paths()) {
        thread_local!(static COMPILED: Vec<(Route, Regex)> = compiled());
        COMPILED.with(|routes| {
            prop_assert_eq!(by_pattern(routes, &path), by_key(&path), "{}", path);
            Ok(())
        })?;
    }
}

#[test]
fn limits_are_where_the_grammar_has_them() {
    let routes = compiled();
    let deep = |segments: usize| format!("/registries/@a/{}", vec!["b"; segments].join("/"));
    let long = |bytes: usize| {
        let path = format!("{}/", "c".repeat(99)).repeat(6);
        format!("/registries/@a/b/1.0.0/files/{}d", &path[..bytes - 1])
    };
    let folders = |count: usize| {
        format!(
            "/registries/@a/b/1.0.0/files/{}",
            vec!["f"; count].join("/")
        )
    };
    for path in [
        deep(8),
        deep(9),
        long(512),
        long(513),
        folders(32),
        folders(33),
    ] {
        assert_eq!(by_pattern(&routes, &path), by_key(&path), "{path}");
    }
}

#[test]
fn every_class_is_true_of_its_example() {
    for (name, example) in EXAMPLES {
        assert_eq!(by_key(example), Some(name));
    }
    assert_eq!(classes().len(), EXAMPLES.len());
}

fn site() -> Site {
    Site {
        instance: instance(),
        public: "/srv/public".into(),
        private: "/srv/private".into(),
        encodings: Encodings::default(),
        upload_time: Duration::from_secs(600),
        head_time: Duration::from_secs(10),
        rates: Rates {
            writes: crate::rate::Rate::WRITES,
            reads: crate::rate::Rate::READS,
        },
        daemon: "127.0.0.1:8080".parse().ok(),
        public_url: None,
        run: "/run".into(),
        logs: "/var/log/nginx".into(),
    }
}

/// The tables in what nginx reads are ours, each entry of them.
#[test]
fn types_and_ages_are_those_of_the_key_type() {
    let text = site().includes().unwrap().server;
    for (extension, media_type) in TABLE {
        let line = format!("\"{}\" {extension};", media_type.as_str());
        assert!(text.contains(&line), "{line}");
    }
    for class in classes().values() {
        let line = |value: &str| format!("add_header Cache-Control \"{value}\";");
        assert!(text.contains(&line(class.public)), "{}", class.public);
        assert!(!class.gated || text.contains(&line(class.private)));
    }
}

#[test]
fn a_path_that_nginx_would_read_otherwise_is_refused() {
    for bad in ["/srv/$HOME", "/srv/\"", "/srv/a\nb", "/srv/\\"] {
        let mut site = site();
        site.public = bad.into();
        assert!(site.includes().is_err(), "{bad}");
    }
}

/// Registries beside each other share no name, and of a server they set nothing but locations and error pages.
#[test]
fn every_name_begins_with_the_instance() {
    let Includes { http, server } = site().includes().unwrap();
    for line in http.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix("map ")
            .and_then(|rest| rest.rsplit('$').next())
        {
            assert!(name.starts_with("rack_main_"), "{line}");
        }
    }
    let outside = |line: &&str| !line.starts_with([' ', '}', '#']) && !line.is_empty();
    for line in server.lines().filter(outside) {
        let known = ["location ", "error_page "];
        assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
    }
}
