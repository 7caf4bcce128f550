//! What is asked and answered here, as an OpenAPI document: who may is what the line of each route
//! says, bodies are what is parsed, and outcomes are said in words, for they are the record's.

use std::sync::LazyLock;

use axum::http::Method;
use identity::routes::described::operation;
use serde_json::{Value, json};
use service::openapi::{Description, Endpoint};

use super::asked::Nothing;
use super::beginning::Meant;
use super::doing::{Release, Retry, Skip};
use super::reading::Of;
use super::{CODES, accesses};
use crate::projections;

const JSON: &str = "application/json";
const TAG: &str = "projection";
/// How a body may be refused.
const BODY: [u16; 3] = [400, 413, 415];
/// What is for nobody's cache.
const PRIVATE: &[&str] = &["Cache-Control"];
const ABOUT: &str = "What is done to projections by hand, for those who keep the programs running: \
the same that the command line of the projector does. It is there where callers are asked who they \
are, on the port that `/health` is on. What is done at once is answered with what came of it; what \
takes its time is begun (202), and `look_at` says how far it is and what came of it.";

/// The document, once it was made.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The document.
pub fn document() -> Value {
    let mut document = Description::new("Projections by hand", ABOUT);
    document.tag(TAG, "Where projections stand, and what is done to them.");
    document.knows(CODES.iter().copied());
    document.any(identity::guard::CODES.iter().copied());
    reading(&mut document);
    doing(&mut document);
    beginning(&mut document);
    document.finish()
}

fn reading(document: &mut Description) {
    let ranges = list("Each range of each projection, as `projector status --json` has it.");
    let one = outcome(
        "Its ranges, what this process is at, what is being made of it and how far that is, and \
         what came of the last that took its time.",
    );
    let parked =
        outcome("Streams that are set aside, with the reason, and events left out for good.");
    let actions = list("What was done by hand, by whom, and what came of it; the last first.");
    for told in [
        get("/admin/projections", "projection.list")
            .text("Where every projection stands.")
            .answer(200, "All ranges.", Some((JSON, &ranges)), PRIVATE)
            .refused(&[400]),
        named(get("/admin/projections/{name}", "projection.read"))
            .text("Where one stands, and what is being done to it.")
            .answer(200, "It.", Some((JSON, &one)), PRIVATE),
        get("/admin/parked", "projection.parked")
            .text("What is set aside or left out.")
            .query::<Of>(document)
            .answer(200, "All of it.", Some((JSON, &parked)), PRIVATE)
            .refused(&[400])
            .refuses(["no_such_projection"]),
        get("/admin/actions", "projection.actions")
            .text("What was done by hand.")
            .query::<Of>(document)
            .answer(200, "The last of it.", Some((JSON, &actions)), PRIVATE)
            .refused(&[400])
            .refuses(["no_such_projection"]),
    ] {
        document.add(told);
    }
}

fn doing(document: &mut Description) {
    let (nothing, release) = (document.input::<Nothing>(), document.input::<Release>());
    let (retry, skip) = (document.input::<Retry>(), document.input::<Skip>());
    let paused = outcome("Whether it is paused now, and whether that is new.");
    let released = outcome("Who had it.");
    let called_off = outcome("Which build was called off, and which readers see.");
    let retried = outcome("Streams that go on, and those that are set aside still.");
    for (action, text, body, outcome, codes) in [
        ("pause", "Has nobody work on it.", &nothing, &paused, &[][..]),
        ("resume", "Has it worked on again.", &nothing, &paused, &[]),
        ("release", "Takes it from who has it.", &release, &released, &["held_by_nobody"]),
        ("cancel", "Calls a build off.", &nothing, &called_off, &["nothing_under_way"]),
        (
            "retry",
            "Folds again what is set aside.",
            &retry,
            &retried,
            &["another_version", "not_parked"],
        ),
        (
            "skip",
            "Leaves an event out for good, with a reason that is kept.",
            &skip,
            &retried,
            &["another_version", "no_such_event", "not_skipped"],
        ),
    ] {
        let told = post(action).text(text).body(JSON, body, action == "skip");
        let told = told.answer(200, "What came of it.", Some((JSON, outcome)), PRIVATE);
        document.add(told.refuses(codes.iter().copied()));
    }
}

fn beginning(document: &mut Description) {
    let (nothing, meant) = (document.input::<Nothing>(), document.input::<Meant>());
    let begun = outcome("What was begun, and where to look after it.");
    for (action, text, body, codes) in [
        ("rebuild", "Makes it anew beside the one that readers see.", &nothing, &[][..]),
        ("verify", "Makes it anew and compares, and changes nothing.", &nothing, &[]),
        (
            "rollback",
            "Takes readers back to the build before.",
            &nothing,
            &["kept_is_lost", "nothing_kept"],
        ),
        ("drop", "Deletes the build before.", &nothing, &["nothing_kept"]),
        ("reset", "Begins with an empty one, and deletes all that it has made.", &meant, &[]),
    ] {
        let told = post(action).text(text).body(JSON, body, action == "reset");
        let told = told.answer(202, "It is begun.", Some((JSON, &begun)), &["Location"]);
        let told = told.refuses(["another_version", "build_under_way"]);
        document.add(told.refuses(codes.iter().copied()));
    }
}

fn outcome(description: &str) -> Value {
    json!({ "type": "object", "description": description })
}

fn list(description: &str) -> Value {
    json!({ "type": "array", "description": description, "items": { "type": "object" } })
}

fn get(path: &str, id: &str) -> Endpoint {
    of(Method::GET, path, id)
}

/// One that does something to a projection.
fn post(action: &str) -> Endpoint {
    let path = format!("/admin/projections/{{name}}/{action}");
    named(of(Method::POST, &path, &format!("projection.{action}"))).refused(&BODY)
}

fn named(told: Endpoint) -> Endpoint {
    let names: Vec<&str> = projections::ALL.iter().map(|projection| projection.name).collect();
    let name = json!({ "type": "string", "enum": names });
    told.path("name", "Which projection.", &name).refused(&[400]).refuses(["no_such_projection"])
}

/// One of them, for those whom its line lets in.
fn of(method: Method, path: &str, id: &str) -> Endpoint {
    let line = accesses().find(|(known, at, _)| *known == method && *at == path);
    let access = line.map_or(identity::Access::Ops, |(_, _, access)| access);
    operation(method, path, id, TAG, access)
}
