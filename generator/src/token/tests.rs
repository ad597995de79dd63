//! Tokens that are ours, and every way to forge one. Forgeries are made by hand: no library has a say in what they are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::keys::{Before, Keys};
use super::office::{self, Created, Order};
use super::*;

/// A state folder with one token in it.
struct Office {
    folder: TempDir,
    names: Names,
    token: Created,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = Names {
            issuer: "https://registry.example.com".into(),
            audience: "0123".into(),
        };
        let token = create(&folder, &names);
        Self {
            folder,
            names,
            token,
        }
    }

    fn tokens(&self) -> Tokens {
        Tokens::load(self.folder.path()).unwrap()
    }

    fn verify(&self, text: &str) -> Result<Minted, Invalid> {
        self.tokens().verify(&self.names, text)
    }

    /// The key that signs.
    fn pair(&self) -> Ed25519KeyPair {
        let keys = Keys::load(self.folder.path()).unwrap();
        Ed25519KeyPair::from_pkcs8(keys.signing().unwrap().private().as_bytes()).unwrap()
    }

    /// The token as it is, taken apart.
    fn parts(&self) -> [Map<String, Value>; 2] {
        let mut parts = self.token.text.split('.').map(decode);
        [parts.next().unwrap(), parts.next().unwrap()]
    }

    /// The token with other parts, signed well.
    fn signed(&self, header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
        let message = message(header, claims);
        let signature = self.pair().sign(message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }

    /// The token with this key of its header, signed well.
    fn with_header(&self, key: &str, value: Value) -> String {
        let [mut header, claims] = self.parts();
        header.insert(key.into(), value);
        self.signed(&header, &claims)
    }

    /// The token with this claim, or without it, signed well.
    fn with_claim(&self, key: &str, value: Option<Value>) -> String {
        let [header, mut claims] = self.parts();
        match value {
            Some(value) => claims.insert(key.into(), value),
            None => claims.remove(key),
        };
        self.signed(&header, &claims)
    }
}

fn create(folder: &TempDir, names: &Names) -> Created {
    let now = Timestamp::now();
    let order = Order {
        name: "ci".parse().unwrap(),
        scopes: vec![
            "publish:@team/features/*".parse().unwrap(),
            "read:*".parse().unwrap(),
        ],
        expires: now + 1.hour(),
    };
    let office = office::Office::enter(folder.path()).unwrap();
    office.create(names, order, now).unwrap()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(part: &str) -> Map<String, Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn message(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let part = |part| encode(serde_json::to_vec(part).unwrap());
    format!("{}.{}", part(header), part(claims))
}

fn in_seconds(offset: i64) -> Value {
    json!(Timestamp::now().as_second() + offset)
}

#[test]
fn what_was_minted_is_good_and_says_what_was_ordered() {
    let office = Office::new();
    let minted = office.verify(&office.token.text).unwrap();
    assert_eq!(minted.id, office.token.id);
    assert_eq!(minted.name, "ci");
    assert_eq!(minted.scopes, office.token.entry.scopes);
    assert_eq!(
        minted.expires.as_second(),
        office.token.entry.expires.as_second()
    );
    // The forger's tools make the same: what they forge below differs in what it says only.
    let [header, claims] = office.parts();
    assert_eq!(office.signed(&header, &claims), office.token.text);
}

#[test]
fn no_other_algorithm_is_taken() {
    let office = Office::new();
    let [mut header, claims] = office.parts();
    for none in ["none", "None", "NONE", ""] {
        header.insert("alg".into(), json!(none));
        let message = message(&header, &claims);
        for text in [format!("{message}."), office.signed(&header, &claims)] {
            assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{none}");
        }
    }
    // The public key taken for a shared secret.
    header.insert("alg".into(), json!("HS256"));
    let message = message(&header, &claims);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, office.pair().public_key().as_ref());
    let signature = hmac::sign(&secret, message.as_bytes());
    let text = format!("{message}.{}", encode(signature.as_ref()));
    assert_eq!(office.verify(&text), Err(Invalid::Foreign));
    for other in ["HS512", "ES256", "RS256", "PS512", "ed25519", "eddsa"] {
        let text = office.with_header("alg", json!(other));
        assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{other}");
    }
}

#[test]
fn no_unknown_key_is_taken() {
    let office = Office::new();
    let text = office.with_header("kid", json!("0000000000000000"));
    assert_eq!(office.verify(&text), Err(Invalid::UnknownKey));
    for kid in [json!("../keys"), json!("")] {
        let text = office.with_header("kid", kid);
        assert_eq!(office.verify(&text), Err(Invalid::UnknownKey));
    }
    let [mut header, claims] = office.parts();
    header.remove("kid");
    let text = office.signed(&header, &claims);
    assert_eq!(office.verify(&text), Err(Invalid::Foreign));
}

#[test]
fn a_header_brings_no_key_of_its_own() {
    let office = Office::new();
    let pair = office.pair();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) });
    for (key, value) in [
        ("jku", json!("https://evil.example.com/jwks.json")),
        ("x5u", json!("https://evil.example.com/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("jwk", jwk),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("typ", json!("at+jwt")),
        ("surprise", json!(1)),
    ] {
        let text = office.with_header(key, value);
        assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{key}");
    }
}

#[test]
fn somebody_elses_signature_is_none() {
    let office = Office::new();
    let [header, mut claims] = office.parts();
    claims.insert("scope".into(), json!("admin:*"));
    let signature = office.token.text.rsplit('.').next().unwrap().to_owned();
    let message = message(&header, &claims);
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let other = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let theirs = encode(other.sign(message.as_bytes()).as_ref());
    for signature in [signature, theirs, String::new(), encode([0; 64])] {
        let text = format!("{message}.{signature}");
        assert_eq!(office.verify(&text), Err(Invalid::Signature));
    }
}

#[test]
fn an_expiry_is_a_number_and_in_the_future() {
    let office = Office::new();
    for value in [
        None,
        Some(json!("9999999999")),
        Some(Value::Null),
        Some(json!(9999999999.5)),
        Some(json!(-1)),
        Some(json!([9999999999_u64])),
        Some(json!(u64::MAX)),
    ] {
        let text = office.with_claim("exp", value.clone());
        assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{value:?}");
    }
    let beyond = LEEWAY.as_secs() as i64 + 5;
    let text = office.with_claim("exp", Some(in_seconds(-beyond)));
    assert_eq!(office.verify(&text), Err(Invalid::Expired));
    // Clocks differ, a little.
    let text = office.with_claim("exp", Some(in_seconds(-5)));
    assert!(office.verify(&text).is_ok());
}

#[test]
fn a_beginning_is_a_number_and_not_in_the_future() {
    let office = Office::new();
    let beyond = LEEWAY.as_secs() as i64 + 5;
    let text = office.with_claim("nbf", Some(in_seconds(beyond)));
    assert_eq!(office.verify(&text), Err(Invalid::NotYet));
    for value in [None, Some(json!("0")), Some(Value::Null)] {
        let text = office.with_claim("nbf", value.clone());
        assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{value:?}");
    }
}

#[test]
fn a_token_is_of_this_issuer_and_for_this_registry() {
    let office = Office::new();
    for name in ["iss", "aud"] {
        for value in [
            json!("https://other.example.com"),
            json!(["a", "b"]),
            json!(""),
        ] {
            let text = office.with_claim(name, Some(value.clone()));
            let found = office.verify(&text);
            let refused = [Err(Invalid::OtherRegistry), Err(Invalid::Foreign)];
            assert!(refused.contains(&found), "{name} {value}: {found:?}");
        }
        for value in [None, Some(Value::Null), Some(json!(1))] {
            let text = office.with_claim(name, value.clone());
            assert_eq!(
                office.verify(&text),
                Err(Invalid::Foreign),
                "{name} {value:?}"
            );
        }
    }
    let elsewhere = Names {
        issuer: "https://registry.example.org".into(),
        ..office.names.clone()
    };
    let found = office.tokens().verify(&elsewhere, &office.token.text);
    assert_eq!(found, Err(Invalid::OtherRegistry));
}

#[test]
fn what_is_said_twice_is_not_said() {
    let office = Office::new();
    let [header, claims] = office.parts();
    let text = serde_json::to_string(&claims).unwrap();
    let doubled = text.replacen('{', r#"{"scope":"admin:*","#, 1);
    let message = format!(
        "{}.{}",
        encode(serde_json::to_vec(&header).unwrap()),
        encode(doubled)
    );
    let signature = office.pair().sign(message.as_bytes());
    let text = format!("{message}.{}", encode(signature.as_ref()));
    assert_eq!(office.verify(&text), Err(Invalid::Foreign));
}

#[test]
fn a_signature_alone_makes_no_token() {
    let office = Office::new();
    let text = office.with_claim("jti", Some(json!("00000000deadbeef")));
    assert_eq!(office.verify(&text), Err(Invalid::Forgotten));
    for scope in ["", "publish", "read:@team/a", "publish:@team  read:*"] {
        let text = office.with_claim("scope", Some(json!(scope)));
        assert_eq!(office.verify(&text), Err(Invalid::Foreign), "{scope}");
    }
    for text in ["", ".", "..", "a.b.c", "e30.e30.", &office.token.text[1..]] {
        assert!(office.verify(text).is_err(), "{text}");
    }
    let more = format!("{}.x", office.token.text);
    assert_eq!(office.verify(&more), Err(Invalid::Foreign));
}

#[test]
fn a_revoked_token_stays_revoked() {
    let office = Office::new();
    let (state, id) = (office.folder.path(), &office.token.id);
    let revoke = |now| {
        office::Office::enter(state)
            .unwrap()
            .revoke(id, now)
            .unwrap()
    };
    let first = revoke(Timestamp::now());
    let second = revoke(Timestamp::now() + 1.hour());
    assert_eq!(first, second);
    assert_eq!(office.verify(&office.token.text), Err(Invalid::Revoked));
    let other = create(&office.folder, &office.names);
    assert!(office.verify(&other.text).is_ok());
    assert_eq!(office.verify(&office.token.text), Err(Invalid::Revoked));
    std::fs::remove_file(state.join("tokens/ledger.json")).unwrap();
    assert_eq!(office.verify(&office.token.text), Err(Invalid::Forgotten));
}

#[test]
fn two_keys_are_good_at_a_time() {
    let office = Office::new();
    let rotate = |before| {
        let office = office::Office::enter(office.folder.path()).unwrap();
        office.rotate(before).unwrap()
    };
    let first = &office.token;
    rotate(Before::KeepOne);
    let second = create(&office.folder, &office.names);
    assert_ne!(first.entry.key, second.entry.key);
    assert!(office.verify(&first.text).is_ok());
    assert!(office.verify(&second.text).is_ok());
    rotate(Before::KeepOne);
    assert_eq!(office.verify(&first.text), Err(Invalid::UnknownKey));
    assert!(office.verify(&second.text).is_ok());
    rotate(Before::Forget);
    assert_eq!(office.verify(&second.text), Err(Invalid::UnknownKey));
}

#[test]
fn files_are_for_their_owner_and_of_one_format() {
    use std::os::unix::fs::PermissionsExt;
    let office = Office::new();
    let folder = office.folder.path().join("tokens");
    for name in ["keys.json", "ledger.json"] {
        let path = folder.join(name);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        let text = std::fs::read_to_string(&path).unwrap();
        for bad in [
            text.replacen("\"format\": 1", "\"format\": 2", 1),
            text.replacen("\"format\": 1,", "", 1),
            text[..text.len() / 2].to_owned(),
            String::new(),
        ] {
            std::fs::write(&path, bad).unwrap();
            let fault = Tokens::load(office.folder.path()).unwrap_err();
            assert!(fault.to_string().contains(name), "{fault}");
        }
        std::fs::write(&path, text).unwrap();
    }
    assert!(office.verify(&office.token.text).is_ok());
}
