//! What is refused of a process that the internet reaches, and what is nobody's matter elsewhere.

use super::*;
use crate::rates::Rates;
use crate::tls::Tls;
use crate::tls::tests::{Kept, Made};

fn http() -> Http {
    Http {
        listen: None,
        token: Some("0123456789abcdef0123456789abcdef".into()),
        origins: "https://shop.example".parse().unwrap(),
        ops_listen: Some(([127, 0, 0, 1], 9090).into()),
        tls: Tls::default(),
        rates: Rates { usual: 50, strict: 30, proxies: 1 },
        exposure: Exposure { exposed: true, trusted_network: true },
        drain_delay: 0,
    }
}

type Change = fn(&mut Http);

#[test]
fn what_stands_open_is_refused() {
    assert!(http().check().is_ok());
    let open: [(Change, &str); 8] = [
        (|http| http.rates.usual = 0, "EXPOSED"),
        (|http| http.rates.strict = 0, "EXPOSED"),
        (|http| http.rates.proxies = 0, "EXPOSED"),
        (|http| http.ops_listen = None, "EXPOSED"),
        (|http| http.origins = "http://shop.example".parse().unwrap(), "EXPOSED"),
        (|http| http.token = Some("commerce-development-key".into()), "API_TOKEN"),
        (|http| http.token = Some("hunter2".into()), "API_TOKEN"),
        (|http| http.token = Some(PUBLISHED[3].into()), "API_TOKEN"),
    ];
    for (change, named) in open {
        let mut http = http();
        change(&mut http);
        let wrong = http.check().unwrap_err().to_string();
        assert!(wrong.starts_with(named) && !wrong.contains("hunter"), "{wrong}");
        http.exposure.exposed = false;
        assert!(http.check().is_ok(), "on a machine of one's own that is nobody's matter");
    }
}

#[test]
fn tls_of_its_own_is_as_good_as_a_proxy() {
    let kept = Kept::new();
    kept.write(&Made::new("shop.example"));
    let mut http = http();
    (http.rates.proxies, http.tls) = (0, kept.tls());
    assert!(http.check().is_ok());
    http.tls.key = None;
    assert_eq!(http.check().unwrap_err().to_string(), "TLS_KEY is needed beside TLS_CERT");
}

/// What is said of these servers: by the name of the setting, or nothing.
fn said(database: &str, nats: &str, meili: (&str, &str), exposed: bool) -> Option<&'static str> {
    told(database, nats, meili, Exposure { exposed, trusted_network: true })
}

fn told(
    database: &str,
    nats: &str,
    meili: (&str, &str),
    exposure: Exposure,
) -> Option<&'static str> {
    let database = Database { url: Some(database.into()), connections: 1, statement_timeout: 1 };
    let bus = Bus { url: Some(nats.into()), stream: "commerce".to_owned() };
    let (url, key) = meili;
    let search = Search { url: url.to_owned(), key: Some(key.into()) };
    let http = Http { exposure, ..http() };
    let wrong = check_servers(&http, &database, Some(&bus), Some(&search)).err()?;
    let is_told = |secret: &str| wrong.reason.contains(secret);
    assert!(!is_told("s3cret") && !PUBLISHED.into_iter().any(is_told), "{wrong}");
    Some(wrong.name)
}

const DATABASE: &str = "postgres://command_api:s3cret@db/commerce";
const NATS: &str = "nats://shop:s3cret@nats:4222";
const MEILI: (&str, &str) = ("http://meili:7700", "s3cret");

#[test]
fn servers_that_anybody_could_sign_in_to_are_refused() {
    assert_eq!(said(DATABASE, NATS, MEILI, true), None);
    assert_eq!(said(DATABASE, "", MEILI, true), None, "without NATS everything reads Postgres");
    for database in [
        "postgres://command_api:commerce@postgres:5432/commerce",
        "postgres://command_api:c%6fmmerce@db/commerce",
        "postgres://command_api@db/commerce?password=commerce",
        "postgres://commerce:commerce@127.0.0.1/commerce",
        "postgres://command_api@db/commerce",
        "postgres://command_api:@db/commerce",
        "postgres://command_api@10.0.0.7/commerce",
    ] {
        assert_eq!(said(database, NATS, MEILI, true), Some("DATABASE_URL"), "{database}");
        assert_eq!(said(database, NATS, MEILI, false), None);
    }
    for nats in
        ["nats://nats:4222", "nats", "nats://commerce:commerce@nats", "nats://commerce@nats"]
    {
        assert_eq!(said(DATABASE, nats, MEILI, true), Some("NATS_URL"), "{nats}");
        assert_eq!(said(DATABASE, nats, MEILI, false), None);
    }
    for meili in [
        ("http://meili:7700", ""),
        ("http://meili:7700", "commerce-trying-out"),
        ("http://127.0.0.1:7700", "commerce-development-key"),
    ] {
        assert_eq!(said(DATABASE, NATS, meili, true), Some("MEILI_MASTER_KEY"), "{meili:?}");
        assert_eq!(said(DATABASE, NATS, meili, false), None);
    }
}

#[test]
fn who_is_next_door_or_shows_a_certificate_needs_no_password() {
    for database in [
        "postgres://command_api@127.0.0.1:5432/commerce",
        "postgres://command_api@[::1]/commerce",
        "postgres://command_api@localhost/commerce",
        "postgres:///commerce?host=/var/run/postgresql",
        "postgres://command_api@db/commerce?sslmode=verify-full&sslcert=/c.pem&sslkey=/k.pem",
    ] {
        assert_eq!(said(database, NATS, MEILI, true), None, "{database}");
    }
    for nats in ["nats://127.0.0.1:4222", "localhost", "nats://[::1]:4222"] {
        assert_eq!(said(DATABASE, nats, MEILI, true), None, "{nats}");
    }
    for meili in ["http://127.0.0.1:7700", "http://localhost:7700", "http://[::1]:7700"] {
        assert_eq!(said(DATABASE, NATS, (meili, ""), true), None, "{meili}");
    }
    assert!(is_here("smtp://ann:s3cret@127.0.0.1:25") && !is_here("smtp://mail.example:25"));
}

/// Whoever listens between this machine and another reads people's words and passwords, unless all
/// of it is TLS, or the operator says that nobody does.
#[test]
fn servers_elsewhere_are_asked_by_tls() {
    let by_tls = (
        "postgres://command_api:s3cret@db/commerce?sslmode=verify-full",
        "tls://shop:s3cret@nats:4222",
        ("https://meili:7700", "s3cret"),
    );
    let said = |database: &str, nats: &str, meili: (&str, &str), trusted_network: bool| {
        told(database, nats, meili, Exposure { exposed: true, trusted_network })
    };
    assert_eq!(said(by_tls.0, by_tls.1, by_tls.2, false), None);
    for mode in ["require", "verify-ca"] {
        let database = format!("postgres://command_api:s3cret@db/commerce?sslmode={mode}");
        assert_eq!(said(&database, "", by_tls.2, false), None);
    }
    for database in [
        DATABASE,
        "postgres://command_api:s3cret@10.0.0.7/commerce",
        "postgres://command_api:s3cret@db/commerce?sslmode=prefer",
        "postgres://command_api:s3cret@db/commerce?sslmode=disable",
    ] {
        assert_eq!(said(database, by_tls.1, by_tls.2, false), Some("DATABASE_URL"), "{database}");
        assert_eq!(said(database, by_tls.1, by_tls.2, true), None);
    }
    for nats in [NATS, "shop:s3cret@nats"] {
        assert_eq!(said(by_tls.0, nats, by_tls.2, false), Some("NATS_URL"), "{nats}");
        assert_eq!(said(by_tls.0, nats, by_tls.2, true), None);
    }
    assert_eq!(said(by_tls.0, by_tls.1, MEILI, false), Some("MEILI_URL"));
    assert_eq!(said(by_tls.0, by_tls.1, MEILI, true), None);
    // Whoever listens on this machine needs no network.
    let here = ("postgres://command_api@127.0.0.1/commerce", "nats://localhost:4222");
    assert_eq!(said(here.0, here.1, ("http://127.0.0.1:7700", ""), false), None);
}

/// The list is whole: what compose takes where nothing is said stands in it.
#[test]
fn every_secret_that_compose_has_is_known() {
    let compose = include_str!("../../../docker-compose.yml");
    let mut found = 0;
    for part in compose.split("${").skip(1) {
        let (name, value) = part.split_once('}').unwrap().0.split_once(":-").unwrap();
        let is_secret = ["PASSWORD", "TOKEN", "KEY"].iter().any(|end| name.ends_with(end));
        if is_secret && !value.is_empty() {
            assert!(is_published(value), "{name}");
            found += 1;
        }
    }
    assert!(found >= 5, "{found}");
    let up = include_str!("../../../xtask/src/servers/meilisearch.rs");
    let (_, key) = up.split_once("MASTER_KEY: &str = \"").unwrap();
    assert!(is_published(key.split_once('"').unwrap().0));
}
