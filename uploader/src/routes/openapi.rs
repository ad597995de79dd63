//! `GET /openapi.json`: what there is to ask, as OpenAPI 3.1. Written by hand, and held true: the conformance table
//! compares every answer with it, and schemathesis makes up requests from it (`scripts/prove`).

use actix_web::{HttpRequest, HttpResponse};

use crate::answer::Refusal;
use crate::app::App;
use crate::reads;

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) fn openapi(app: &App, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
    app.lenient.check(app.client(request))?;
    // As long as schemas are kept, which change as often.
    let cache_control = "public, max-age=86400";
    reads::made(request, DOCUMENT.into(), cache_control, "Accept-Encoding")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use serde_json::Value;

    use super::super::Route;
    use super::*;

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    /// A path with the examples of its parameters.
    fn example(template: &str, document: &Value) -> String {
        let parameters = document["components"]["parameters"].as_object().unwrap();
        let mut path = template.to_owned();
        for parameter in parameters.values().filter(|it| it["in"] == "path") {
            let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
            path = path.replace(&name, parameter["example"].as_str().unwrap());
        }
        path
    }

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let document = document();
        let mut labels = BTreeSet::new();
        for (template, operations) in document["paths"].as_object().unwrap() {
            let path = example(template, &document);
            for method in operations.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = TestRequest::with_uri(&path).method(method.clone());
                let route = Route::of(&request.to_http_request(), true);
                let label = route.map_or("none", |route| route.label());
                assert_ne!(label, "none", "{method} {path}");
                labels.insert(label);
            }
        }
        // OPTIONS is described in words, since it is the same everywhere.
        let all = Route::LABELS
            .into_iter()
            .filter(|label| *label != "options");
        assert_eq!(labels, all.collect());
    }

    #[test]
    fn every_code_is_described_with_its_status() {
        let document = document();
        let texts = |codes: &Value| {
            let codes = codes.as_array().into_iter().flatten();
            codes
                .map(|code| code.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let of_response = |response: &Value| {
            let codes = &response["content"]["application/json"]["schema"]["allOf"][1];
            texts(&codes["properties"]["code"]["enum"])
        };
        let responses = document["components"]["responses"].as_object().unwrap();
        let by_response: Vec<String> = responses.values().flat_map(of_response).collect();
        let error = &document["components"]["schemas"]["Error"];
        let all = texts(&error["properties"]["code"]["enum"]);
        assert_eq!(by_response, all);
        // There is no list of all codes but the table itself.
        let table = include_str!("../../../generator/src/error_code.rs");
        let code_of = |line: &str| {
            let (_, rest) = line.split_once("=> (")?;
            Some(rest.split('"').nth(1)?.to_owned())
        };
        let codes: BTreeSet<String> = table.lines().filter_map(code_of).collect();
        assert_eq!(codes, all.into_iter().collect());
    }

    #[test]
    fn it_is_of_this_version() {
        assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
