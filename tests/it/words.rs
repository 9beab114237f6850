//! Words that people bring along from kubectl and other consoles, typed into the palette and the
//! filter over a recorded cluster: what they do, and what is said where they do nothing.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::App;
use midwatch::ask::{Answered, Ask, AskId, KindName, TableDelta, TableNews, TableRow};
use midwatch::effect::Effect;
use midwatch::event::Event;
use midwatch::glyph;
use midwatch::intent::Intent;
use midwatch::listing::RowKey;
use midwatch::objects::ObjectKind;
use midwatch::theme::{Depth, Themes};

use crate::scene::Scene;
use crate::screens::{self, press};

fn app() -> App {
    let mut app = Scene::load("cluster").app(Duration::from_secs(1));
    app.identity.other_contexts = vec!["staging".into(), "edge".into()];
    app.identity.themes = ["dark", "light", "mono"].map(Into::into).into();
    app
}

fn command(app: &mut App, line: &str) -> Vec<Effect> {
    app.update(Event::Intent(Intent::Palette));
    app.update(Event::Pasted(line.to_owned()));
    let effects = app.update(Event::Typed("enter".parse().unwrap()));
    app.refresh();
    effects
}

fn filter(app: &mut App, text: &str) {
    app.update(Event::Intent(Intent::Filter));
    app.update(Event::Typed("ctrl-u".parse().unwrap()));
    app.update(Event::Pasted(text.to_owned()));
    app.update(Event::Typed("enter".parse().unwrap()));
    app.refresh();
}

fn screen(app: &mut App, size: (u16, u16)) -> String {
    let theme = Themes::default().load("dark", Depth::True).unwrap();
    screens::text(&screens::draw(app, size, &theme, &glyph::UNICODE))
}

#[track_caller]
fn shows(app: &mut App, text: &str) {
    let screen = screen(app, (120, 36));
    assert!(screen.contains(text), "`{text}` is not on\n{screen}");
}

#[track_caller]
fn hides(app: &mut App, text: &str) {
    let screen = screen(app, (120, 36));
    assert!(!screen.contains(text), "`{text}` is on\n{screen}");
}

fn said(app: &App) -> &str {
    app.notice().unwrap_or_default()
}

fn namespace(app: &App) -> Option<&str> {
    app.scope().namespace.as_deref()
}

#[test]
fn a_kind_command_begins_with_a_fresh_filter() {
    let mut app = app();
    command(&mut app, "pods tenant-77");
    assert_eq!(said(&app), "no namespace tenant-77: filtering by it");
    assert_eq!(app.view().filter, "tenant-77");
    assert_eq!(app.order().len(), 0);
    command(&mut app, "pods shop");
    assert_eq!(
        (app.view().filter.as_str(), namespace(&app)),
        ("", Some("shop"))
    );
    assert_eq!(app.order().len(), 14);
    assert_eq!(said(&app), "");
    filter(&mut app, "nothing-like-this");
    command(&mut app, "po");
    assert_eq!(
        app.order().len(),
        14,
        "the namespace stays, the filter does not"
    );
    filter(&mut app, "nothing-like-this");
    command(&mut app, "pods");
    assert_eq!(app.order().len(), 14);
    command(&mut app, "deploy web");
    command(&mut app, "deploy");
    assert_eq!(app.view().filter, "");
}

#[test]
fn namespaces_are_named_as_kubectl_does() {
    let mut app = app();
    for (line, expected) in [
        ("po -n shop", Some("shop")),
        ("po -A", None),
        ("po --namespace bank", Some("bank")),
        ("po --all-namespaces", None),
        ("po --namespace=data postgres", Some("data")),
        ("po -n monitoring -l app=grafana", Some("monitoring")),
    ] {
        command(&mut app, line);
        assert_eq!(namespace(&app), expected, "{line}");
        assert_ne!(app.order().len(), 0, "{line}");
    }
    assert_eq!(app.view().filter, "-l app=grafana");
    let filter = app.view().filter.clone();
    for (line, why) in [
        ("po -n shopp", "no namespace `shopp`; did you mean `shop`?"),
        ("po -n", "-n wants a namespace"),
        ("po -o wide", "`-o` is not taken here"),
    ] {
        command(&mut app, line);
        assert!(said(&app).contains(why), "{line}: {}", said(&app));
        assert_eq!(app.view().filter, filter, "{line} did nothing");
    }
    let offered = app.completions("po -n sh");
    assert_eq!(offered, ["po -n shop"]);
}

#[test]
fn nodes_are_in_no_namespace() {
    let mut app = app();
    command(&mut app, "pods shop");
    command(&mut app, "nodes");
    assert_eq!(app.order().len(), 10);
    let screen = screen(&mut app, (120, 36));
    let title = screen.lines().nth(2).unwrap();
    assert!(
        title.contains("10 rows") && !title.contains("shop"),
        "{title}"
    );
    assert!(screen.contains(" of 10 ready"), "{screen}");
    command(&mut app, "nodes shop");
    assert_eq!(said(&app), "", "a word behind nodes is a filter at once");
    command(&mut app, "pods");
    assert_eq!(namespace(&app), Some("shop"));
}

#[test]
fn bars_and_label_sets_filter_objects() {
    let mut app = app();
    command(&mut app, "pods -A");
    let all = app.order().len();
    let rows = |app: &mut App, text: &str| {
        filter(app, text);
        app.order().len()
    };
    assert_eq!(rows(&mut app, "ledger"), 3);
    assert_eq!(rows(&mut app, "ledger|reports"), 5);
    assert_eq!(rows(&mut app, "-l app in (ledger,reports)"), 5);
    assert_eq!(rows(&mut app, "-l 'app in (ledger, reports)' 89v8k"), 1);
    assert_eq!(rows(&mut app, "-l app notin (ledger,reports)"), all - 5);
    command(&mut app, "pods -n bank -l 'app in (ledger, x)'");
    assert_eq!((app.order().len(), namespace(&app)), (3, Some("bank")));
}

#[test]
fn a_filter_that_cannot_hold_says_why() {
    let mut app = app();
    command(&mut app, "pods -A");
    filter(&mut app, "-l app in (ledger");
    assert_eq!(app.order().len(), 0);
    let text = screen(&mut app, (120, 36));
    let told = text.matches("-l: app in (... lacks its `)`").count();
    assert_eq!(told, 2, "in the title and in the empty table:\n{text}");
    filter(&mut app, "svc.*07");
    shows(
        &mut app,
        "no row contains `svc.*07`; the filter takes text, not regular expressions",
    );
    filter(&mut app, "svc-07");
    hides(&mut app, "regular expressions");
    command(&mut app, "hosts");
    filter(&mut app, "-l app=web");
    if app.order().total > 0 {
        shows(&mut app, "the rows here carry no labels");
    }
    command(&mut app, "help");
    filter(&mut app, "-l app=web");
    shows(&mut app, "the rows here carry no labels");
}

#[test]
fn the_filters_grammar_is_found_in_the_help_by_label() {
    let mut app = app();
    press(&mut app, "?");
    filter(&mut app, "label");
    let first = app.order().row(0).unwrap();
    let screen_text = screen(&mut app, (120, 36));
    assert!(
        screen_text.contains("a|b") && screen_text.contains("/ "),
        "{screen_text}"
    );
    app.update(Event::Intent(Intent::Open));
    assert!(matches!(first.key, RowKey::Text(_)));
    shows(&mut app, "app in (a,b)");
    shows(&mut app, "as a command :filter");
}

/// Answers what was asked for the table of namespaces.
fn answer_namespaces(app: &mut App, effects: Vec<Effect>, names: &[&str]) {
    let tables = effects.into_iter().filter_map(|effect| match effect {
        Effect::Open(id, Ask::Table(ask)) => Some((id, ask)),
        _ => None,
    });
    let tables: Vec<(AskId, _)> = tables.collect();
    assert_eq!(tables.len(), 1);
    let (id, ask) = tables.into_iter().next().unwrap();
    assert_eq!((&*ask.kind.plural, &*ask.namespace), ("namespaces", ""));
    let rows = names.iter().map(|name| {
        TableDelta::Put(TableRow {
            namespace: "".into(),
            name: (*name).into(),
            created: None,
            cells: [].into(),
        })
    });
    let begin = TableDelta::Begin([].into());
    let deltas = std::iter::once(begin)
        .chain(rows)
        .chain([TableDelta::Synced]);
    let news = TableNews::Deltas(deltas.collect());
    app.update(Event::Answered(id, Box::new(Answered::Table(news))));
    app.refresh();
}

#[test]
fn ns_alone_lists_namespaces_and_enter_goes_into_one() {
    let mut app = app();
    command(&mut app, "pods data");
    filter(&mut app, "postgres");
    let effects = command(&mut app, "ns");
    answer_namespaces(&mut app, effects, &["bank", "shop"]);
    shows(&mut app, "namespaces  2 rows");
    press(&mut app, "j enter");
    assert_eq!(app.listing().id(), "pods");
    assert_eq!((app.page(), namespace(&app)), (None, Some("shop")));
    assert_eq!(app.order().len(), 14, "with a fresh filter");
    command(&mut app, "ns bank");
    assert_eq!((app.order().len(), namespace(&app)), (5, Some("bank")));
    command(&mut app, "ns all");
    assert_eq!(namespace(&app), None);
}

#[test]
fn ctx_lists_the_clusters_and_says_what_is_not_watched() {
    let mut app = app();
    command(&mut app, "ctx");
    assert_eq!(app.listing().id(), "clusters");
    assert_eq!(
        said(&app),
        "not watched: staging, edge; start with --context NAME to watch one"
    );
    command(&mut app, "ctx staging");
    assert_eq!(
        said(&app),
        "context staging is in the kubeconfig but not watched: start with --context staging"
    );
    command(&mut app, "ctx prod");
    assert_eq!(app.scope().cluster.as_deref(), Some("prod"));
    command(&mut app, "ctx nowhere");
    assert!(
        said(&app).contains("no cluster `nowhere`"),
        "{}",
        said(&app)
    );
}

#[test]
fn a_theme_is_chosen_by_its_name_and_an_unknown_one_lists_them() {
    let mut app = app();
    assert_eq!(
        command(&mut app, "theme light"),
        [Effect::Wear("light".into())]
    );
    assert_eq!(command(&mut app, "theme neon"), []);
    assert_eq!(said(&app), "no theme `neon`; there are dark, light, mono");
    command(&mut app, "theme");
    assert!(
        said(&app).contains("one of dark, light, mono"),
        "{}",
        said(&app)
    );
    assert_eq!(app.completions("theme li"), ["theme light"]);
}

#[test]
fn words_of_other_programs_are_known() {
    let mut app = app();
    command(&mut app, "dp");
    assert_eq!(app.view().kind, Some(ObjectKind::Deployment));
    command(&mut app, "po");
    command(&mut app, "alias");
    assert_eq!(app.listing().id(), "help");
    shows(&mut app, ":pods, :po");
    filter(&mut app, "crb");
    shows(&mut app, ":clusterrolebindings, :crb");
    for word in ["q!", "exit", "q"] {
        let mut app = self::app();
        assert_eq!(command(&mut app, word), [Effect::Quit], "{word}");
    }
}

#[test]
fn what_acts_is_never_suggested() {
    let mut app = app();
    let effects = command(&mut app, "rm -rf /");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Open(id, Ask::Kinds(_)) => Some(*id),
        _ => None,
    });
    // The palette asked already when it was opened.
    let id = asked.unwrap_or(AskId(1));
    let known = Answered::Kinds(Ok(vec![KindName::kept(ObjectKind::Pod)]));
    app.update(Event::Answered(id, Box::new(known)));
    app.refresh();
    assert_eq!(said(&app), "no command and no kind `rm`");
    for (typed, suggested) in [
        ("cordn", None),
        ("uncordo", None),
        ("amr", None),
        ("evens", Some("events")),
        ("worklo", Some("workloads")),
    ] {
        command(&mut app, typed);
        let near = suggested.map(|word| format!("did you mean `{word}`?"));
        match near {
            Some(near) => assert!(said(&app).contains(&near), "{typed}: {}", said(&app)),
            None => assert!(
                !said(&app).contains("did you mean"),
                "{typed}: {}",
                said(&app)
            ),
        }
    }
}

#[test]
fn help_opens_at_the_top_with_the_keys_of_the_view_first() {
    let mut app = app();
    command(&mut app, "pods data");
    let target = app.order().row(0).unwrap().key;
    assert!(target.subject().is_some());
    press(&mut app, "L ?");
    let first = |app: &mut App| {
        let screen = screen(app, (120, 36));
        screen.lines().nth(4).unwrap().to_owned()
    };
    let top = first(&mut app);
    assert!(
        top.trim_end().ends_with("logs"),
        "keys of logs first: {top}"
    );
    press(&mut app, "G");
    filter(&mut app, "rule");
    press(&mut app, "esc esc esc ?");
    assert_eq!((app.view().index, app.view().filter.as_str()), (0, ""));
    assert!(app.order().len() > 60);
    press(&mut app, "enter");
    hides(&mut app, "nothing is known");
    shows(&mut app, "as a command :");
}

#[test]
fn every_row_of_the_help_is_explained() {
    let mut app = app();
    press(&mut app, "?");
    let rows: Vec<RowKey> = app.order().rows(0).map(|row| row.key).collect();
    for (at, key) in rows.into_iter().enumerate() {
        app.update(Event::Intent(Intent::Open));
        let text = screen(&mut app, (120, 36));
        assert!(
            !text.contains("known about this row"),
            "{at} {key:?}\n{text}"
        );
        app.update(Event::Intent(Intent::Back));
        app.update(Event::Intent(Intent::MoveDown));
    }
}

#[test]
fn the_sort_menu_is_whole_on_80_columns_and_says_which_end_comes_first() {
    let mut app = app();
    command(&mut app, "pods -A");
    press(&mut app, "S");
    let text = screen(&mut app, (80, 24)).replace('\n', " \n");
    for column in app.listing().columns() {
        assert!(
            text.contains(&format!(" {} ", column.title)),
            "{}\n{text}",
            column.title
        );
    }
    assert!(text.contains("0 natural"), "{text}");
    press(&mut app, "esc");
    for (column, first, then) in [
        ("restarts", "highest first", "lowest first"),
        ("name", "a-z", "z-a"),
        ("age", "newest first", "oldest first"),
    ] {
        for way in [first, then] {
            command(&mut app, &format!("sort {column}"));
            let text = screen(&mut app, (120, 36));
            let said = format!("sorted by {} {way}", column.to_uppercase());
            assert!(text.contains(&said), "{said}\n{text}");
        }
    }
}

#[test]
fn copied_is_what_kubectl_takes() {
    let mut app = app();
    command(&mut app, "pods data");
    let copied = app.update(Event::Intent(Intent::Copy));
    assert_eq!(copied, [Effect::Copy("-n data pod/postgres-0".into())]);
    command(&mut app, "nodes");
    let copied = app.update(Event::Intent(Intent::Copy));
    let Some(Effect::Copy(text)) = copied.first() else {
        panic!("{copied:?}");
    };
    assert!(
        text.starts_with("node/") && !text.contains("prod"),
        "{text}"
    );
}

#[test]
fn an_empty_table_of_a_namespace_says_where_nothing_is() {
    let mut app = app();
    let mut kind = KindName::kept(ObjectKind::Pod);
    (kind.plural, kind.kind) = ("serviceaccounts".into(), "ServiceAccount".into());
    let effects = command(&mut app, "kind serviceaccounts -n shop");
    let mut asked: Vec<Effect> = effects;
    asked.retain(|effect| matches!(effect, Effect::Open(_, Ask::Kinds(_))));
    let id = match asked.first() {
        Some(Effect::Open(id, _)) => *id,
        _ => AskId(1),
    };
    let known = Answered::Kinds(Ok(vec![kind]));
    let effects = app.update(Event::Answered(id, Box::new(known)));
    let table = effects.iter().find_map(|effect| match effect {
        Effect::Open(id, Ask::Table(ask)) => Some((*id, ask.namespace.clone())),
        _ => None,
    });
    let (id, namespace) = table.unwrap();
    assert_eq!(namespace, Arc::from("shop"));
    let nothing = vec![TableDelta::Begin([].into()), TableDelta::Synced];
    let news = Answered::Table(TableNews::Deltas(nothing));
    app.update(Event::Answered(id, Box::new(news)));
    app.refresh();
    shows(&mut app, "there are no serviceaccounts in shop");
}
