//! Facts about the presets, the layers and the errors of keymaps.

use super::*;

const PANES: &[&str] = &["triage", "hosts"];

fn default() -> Keymap {
    Keymap::preset("default", PANES).unwrap()
}

fn press(keymap: &Keymap, pane: &str, keys: &str) -> Vec<Outcome> {
    let mut state = Keys::default();
    keys.split(' ')
        .map(|key| state.press(keymap, pane, key.parse().unwrap()))
        .collect()
}

#[test]
fn presets_load_without_a_clash() {
    for (name, _) in PRESETS {
        let keymap = Keymap::preset(name, PANES).unwrap();
        assert_eq!(keymap.check(), [], "{name}");
    }
}

#[test]
fn every_intent_is_bound_in_every_preset() {
    for (name, _) in PRESETS {
        let keymap = Keymap::preset(name, PANES).unwrap();
        let scopes = SCOPES.iter().chain(&["triage"]);
        let bound: Vec<Bound> = scopes.flat_map(|pane| keymap.bindings_for(pane)).collect();
        for intent in Intent::ALL {
            let has_key = bound.iter().any(|bound| bound.intent == *intent);
            assert!(has_key, "{name} has no key for {intent}");
        }
    }
}

#[test]
fn a_sequence_waits_matches_and_can_be_given_up() {
    let keymap = default();
    assert_eq!(
        press(&keymap, "hosts", "g g"),
        [Outcome::Pending, Outcome::Matched(Intent::Top)]
    );
    assert_eq!(press(&keymap, "hosts", "g esc")[1], Outcome::Cancelled);
    assert_eq!(press(&keymap, "hosts", "g q")[1], Outcome::Cancelled);
    assert_eq!(press(&keymap, "hosts", "f12"), [Outcome::NotFound]);
    assert_eq!(
        press(&keymap, "hosts", "g q q")[2],
        Outcome::Matched(Intent::Quit)
    );
}

#[test]
fn a_user_lists_only_differences() {
    let keymap = Keymap::load(
        "[keys]\n'ctrl-x q' = 'quit'\nq = 'no-op'\n[keys.hosts]\nj = 'page-down'\n",
        "keys.toml",
        PANES,
    )
    .unwrap();
    assert_eq!(press(&keymap, "triage", "q"), [Outcome::NotFound]);
    assert_eq!(
        press(&keymap, "triage", "ctrl-x q")[1],
        Outcome::Matched(Intent::Quit)
    );
    assert_eq!(
        press(&keymap, "triage", "j"),
        [Outcome::Matched(Intent::MoveDown)]
    );
    assert_eq!(
        press(&keymap, "hosts", "j"),
        [Outcome::Matched(Intent::PageDown)]
    );
    assert_eq!(keymap.check(), []);
}

#[test]
fn all_mistakes_are_told_with_line_and_what_was_meant() {
    let text =
        "presett = 'vim'\n[keys]\nq = 'qiut'\n'ctrl-i' = 'quit'\nx = 1\n[keys.host]\nj = 'top'\n";
    let mistakes: Vec<String> = Keymap::load(text, "keys.toml", PANES)
        .unwrap_err()
        .iter()
        .map(Mistake::to_string)
        .collect();
    for expected in [
        "keys.toml:1: `presett` means nothing in a keymap; write `preset`",
        "keys.toml:3: no intent is called `qiut`; write `quit`",
        "keys.toml:4: `ctrl-i` reaches a program as `tab`; write `tab`",
        "keys.toml:5: `x` is bound to a value of type integer; write the name of an intent in quotes",
        "keys.toml:6: no pane is called `host`; write `hosts`",
    ] {
        assert!(
            mistakes.iter().any(|m| m == expected),
            "{expected}\n{mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 5);
}

#[test]
fn an_unknown_preset_and_broken_toml_name_the_file() {
    let unknown = Keymap::load("preset = 'vom'", "keys.toml", PANES).unwrap_err();
    assert_eq!(
        unknown[0].to_string(),
        "keys.toml: no keymap preset is called `vom`; write `vim`"
    );
    let broken = Keymap::load("[keys\n", "keys.toml", PANES).unwrap_err();
    assert!(broken[0].to_string().starts_with("keys.toml:1: "));
    assert!(Keymap::preset("emacs", PANES).is_err());
}

#[test]
fn two_spellings_of_one_key_are_a_mistake() {
    let text = "[keys]\nctrl-x = 'quit'\nCtrl-X = 'help'\n";
    let mistakes = Keymap::load(text, "keys.toml", PANES).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].problem.contains("bound twice"));
}

#[test]
fn the_check_finds_what_cannot_work() {
    let keymap = Keymap::load(
        "[keys]\ng = 'top'\nf12 = 'no-op'\n[keys.hosts]\nq = 'no-op'\n",
        "keys.toml",
        PANES,
    )
    .unwrap();
    let clashes: Vec<String> = keymap.check().iter().map(Clash::to_string).collect();
    assert_eq!(
        clashes,
        [
            "[keys]: `f12` is unbound but was bound to nothing; remove the line",
            "[keys]: `g g` is out of reach because `g` is bound; unbind one with \"no-op\"",
            "[keys.hosts]: no key is left for `quit`; bind one",
        ]
    );
}

#[test]
fn help_follows_the_order_of_the_intents_and_the_popup_shows_what_may_follow() {
    let keymap = default();
    let help = keymap.bindings_for("hosts");
    assert_eq!(help[0].intent, Intent::MoveDown);
    assert!(help.iter().all(|line| !line.doc.is_empty()));
    let follow = keymap.continuations("hosts", &[Chord::char('g')]);
    assert_eq!(follow.len(), 1);
    assert_eq!(follow[0].keys, "g g");
}
