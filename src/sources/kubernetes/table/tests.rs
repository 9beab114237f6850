//! A table through pages, watches and failures, by what a real server (1.36) said.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::ask::{ColumnKind, TableDelta};
use crate::sources::kubernetes::scripted::{Part, Said, Server};

const JSON: &str = "application/json";

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!(
            "../../../../tests/fixtures/payloads/kubernetes/",
            $name,
            ".json"
        ))
        .as_slice()
    };
}

fn kind(watchable: bool) -> KindName {
    KindName {
        group: "cert-manager.example".into(),
        version: "v1".into(),
        plural: "certificates".into(),
        kind: "Certificate".into(),
        singular: "certificate".into(),
        short_names: Box::new([]),
        namespaced: true,
        watchable,
    }
}

fn table(answers: impl IntoIterator<Item = Said>) -> (TableStream<Server>, Server) {
    let server = Server::saying(answers);
    (
        TableStream::new(server.clone(), &kind(true), "shop"),
        server,
    )
}

fn body(bytes: &[u8]) -> Said {
    Said::Body(JSON, vec![Part::Bytes(bytes.into())])
}

fn open(bytes: &[u8]) -> Said {
    Said::Body(JSON, vec![Part::Bytes(bytes.into()), Part::Hang])
}

fn word(delta: &TableDelta) -> String {
    match delta {
        TableDelta::Begin(columns) => {
            let names: Vec<_> = columns.iter().map(|column| &*column.name).collect();
            format!("begin {}", names.join(","))
        }
        TableDelta::Put(row) => format!("{}/{}: {}", row.namespace, row.name, row.cells.join("|")),
        TableDelta::Gone { namespace, name } => format!("-{namespace}/{name}"),
        TableDelta::Synced => "synced".into(),
    }
}

async fn gather(table: &mut TableStream<Server>, enough: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..100 {
        if let TableNews::Deltas(deltas) = table.next().await {
            all.extend(deltas.iter().map(word));
        }
        if all.len() >= enough {
            break;
        }
    }
    all
}

const COLUMNS: &str = "begin Name,Ready,Renewals,Valid,Issuer,Not After";
const A: &str = "shop/a: a|True|3|true|ca|<invalid>";
const B: &str = "shop/b: b|True|3|true|ca|<invalid>";
const C: &str = "shop/c: c||||ca|";

#[tokio::test(start_paused = true)]
async fn a_streamed_table_is_told_with_its_columns_and_then_its_changes() {
    let (mut table, server) = table([open(recorded!("table.watch"))]);
    let told = gather(&mut table, 7).await;
    let changed = "shop/a: a|False|4|true|ca|<invalid>";
    assert_eq!(told, [COLUMNS, A, B, C, "synced", changed, "-shop/b"]);
    let asked = server.asked();
    let path = "/apis/cert-manager.example/v1/namespaces/shop/certificates?watch=1";
    assert!(asked[0].starts_with(path), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn columns_say_what_they_hold_and_rows_when_they_were_made() {
    let (mut table, _) = table([open(recorded!("table.watch"))]);
    let TableNews::Deltas(deltas) = table.next().await else {
        panic!("deltas");
    };
    let TableDelta::Begin(columns) = &deltas[0] else {
        panic!("columns first");
    };
    let kinds: Vec<_> = columns
        .iter()
        .map(|column| (column.kind, column.wide))
        .collect();
    let text = (ColumnKind::Text, false);
    let (number, flag) = ((ColumnKind::Number, false), (ColumnKind::Boolean, false));
    assert_eq!(
        kinds,
        [text, text, number, flag, (ColumnKind::Text, true), text]
    );
    let TableDelta::Put(row) = &deltas[1] else {
        panic!("a row");
    };
    assert!(row.created.is_some());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_streamed_the_table_comes_in_pages() {
    let (mut table, server) = table([
        Said::Refused(422, None),
        body(recorded!("table-page")),
        body(recorded!("table-page-2")),
        open(b""),
    ]);
    assert_eq!(gather(&mut table, 5).await, [COLUMNS, A, B, C, "synced"]);
    table.next().await;
    let asked = server.asked();
    assert!(asked[2].contains("continue="), "{asked:?}");
    assert!(
        asked[3].contains("watch=1") && asked[3].contains("resourceVersion="),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_leads_to_a_new_list() {
    let watch = recorded!("table.watch");
    let expired = br#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}
"#;
    let (mut table, _) = table([open(&[watch, expired].concat()), open(watch)]);
    let told = gather(&mut table, 14).await;
    assert_eq!(told[..7], told[7..]);
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_server_that_makes_no_table_are_shown_by_name() {
    let plain = recorded!("table-plain");
    let event = br#"{"type":"MODIFIED","object":{"kind":"Certificate","metadata":{"name":"a","namespace":"shop","resourceVersion":"99"}}}
{"type":"DELETED","object":{"kind":"Certificate","metadata":{"name":"a","namespace":"shop","resourceVersion":"100"}}}
{"type":"BOOKMARK","object":{"kind":"Certificate","metadata":{"resourceVersion":"200"}}}
"#;
    let (mut table, _) = table([Said::Refused(400, None), body(plain), open(event)]);
    let told = gather(&mut table, 7).await;
    let rows = [
        "shop/a: a",
        "shop/b: b",
        "shop/c: c",
        "synced",
        "shop/a: a",
        "-shop/a",
    ];
    assert_eq!(told[0], "begin Name");
    assert_eq!(told[1..], rows);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_watched_is_listed_again_and_again() {
    let answers = (0..3).map(|_| body(recorded!("table-page-2")));
    let server = Server::saying(answers);
    let mut table = TableStream::new(server.clone(), &kind(false), "shop");
    let began = Instant::now();
    let told = gather(&mut table, 9).await;
    assert_eq!(told[..3], [COLUMNS, C, "synced"]);
    assert_eq!(told[..3], told[6..]);
    let took = began.elapsed().as_secs();
    assert!((20..25).contains(&took), "{took}");
    assert!(
        server
            .asked()
            .iter()
            .all(|path| path.ends_with("?limit=500"))
    );
}

#[tokio::test(start_paused = true)]
async fn between_two_lists_nobody_is_told_that_all_is_quiet() {
    let page = || body(recorded!("table-page-2"));
    let lists = |first: Vec<Said>| first.into_iter().chain([page(), page()]);
    let not_watched = TableStream::new(Server::saying(lists(vec![])), &kind(false), "shop");
    let (not_permitted, _) = table(lists(vec![Said::Refused(403, None)]));
    for mut table in [not_watched, not_permitted] {
        let mut times = Vec::new();
        for _ in 0..2 {
            let TableNews::Deltas(deltas) = table.next().await else {
                panic!("a list");
            };
            assert_eq!(
                deltas.iter().map(word).collect::<Vec<_>>(),
                [COLUMNS, C, "synced"]
            );
            times.push(Instant::now());
        }
        let apart = (times[1] - times[0]).as_secs();
        assert!((8..=11).contains(&apart), "{apart}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_read_is_told_and_a_line_that_cannot_is_stepped_over() {
    let lines = recorded!("table.watch");
    let (mut table, _) = table([
        Said::Refused(422, None),
        body(b"{\"kind\":"),
        body(recorded!("table-page-2")),
        open(&[b"not JSON\n", lines].concat()),
    ]);
    let TableNews::Broken { outage, again } = table.next().await else {
        panic!("unreadable");
    };
    assert!(outage.detail.contains("cannot be read"), "{outage}");
    assert_eq!(again, Some(FIRST));
    let told = gather(&mut table, 8).await;
    assert_eq!(told[..4], [COLUMNS, C, "synced", A]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_asked_less_and_less() {
    let (mut table, server) = table((0..10).map(|_| Said::Down));
    let mut waits = Vec::new();
    for _ in 0..7 {
        if let TableNews::Broken { again, .. } = table.next().await {
            waits.push(again.unwrap().as_secs());
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(server.asked().len(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_split_of_a_watch_gives_the_same_rows(sizes in prop::collection::vec(1_usize..500, 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut rest = recorded!("table.watch");
            let mut parts = Vec::new();
            for size in sizes.iter().cycle() {
                let (part, more) = rest.split_at((*size).min(rest.len()));
                parts.push(Part::Bytes(part.to_vec()));
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            parts.push(Part::Pause(Duration::from_millis(1)));
            parts.push(Part::Hang);
            let (mut table, _) = table([Said::Body(JSON, parts)]);
            let told = gather(&mut table, 7).await;
            assert_eq!(told.len(), 7);
            assert_eq!(told[..5], [COLUMNS, A, B, C, "synced"]);
        });
    }
}
