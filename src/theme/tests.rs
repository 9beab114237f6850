//! Facts about the embedded themes (contrast, telling apart) and the errors of theme files.

use super::colour::{apart, lab_of_light, linear};
use super::*;
use crate::chord::Rgb;

/// Themes that name exact colours; the others leave them to the terminal.
const EXACT: [&str; 4] = ["dark", "light", "high-contrast", "deuteranopia"];

const SEVERITIES: [Role; 5] = [
    Role::Critical,
    Role::Warning,
    Role::Unknown,
    Role::Info,
    Role::StateOk,
];

/// Not read: lines and areas.
const SHAPES: [Role; 3] = [Role::Rule, Role::ChartGrid, Role::ChartFill];

fn theme(name: &str, depth: Depth) -> Theme {
    Themes::default().load(name, depth).unwrap()
}

fn rgb(colour: Option<Color>) -> Option<Rgb> {
    match colour {
        Some(Color::Rgb(r, g, b)) => Some(Rgb(r, g, b)),
        _ => None,
    }
}

fn errors(text: &str) -> Vec<String> {
    let mut themes = Themes::default();
    themes.add("mine", text);
    let mistakes = themes.load("mine", Depth::True).unwrap_err();
    mistakes.iter().map(Mistake::to_string).collect()
}

#[test]
fn every_theme_styles_every_role_at_every_depth() {
    for (name, _) in EMBEDDED {
        for depth in [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True] {
            assert_eq!(theme(name, depth).styles.len(), Role::ALL.len());
        }
    }
}

#[test]
fn text_is_readable_on_its_ground() {
    for name in EXACT {
        let theme = theme(name, Depth::True);
        let ground = rgb(theme.style(Role::Background).bg).unwrap();
        let popup = rgb(theme.style(Role::Popup).bg).unwrap();
        let least = if name == "high-contrast" { 7.0 } else { 4.5 };
        for role in Role::ALL.iter().filter(|role| !SHAPES.contains(role)) {
            let style = theme.style(*role);
            let fg = rgb(style.fg).unwrap();
            let own = rgb(style.bg).unwrap_or(ground);
            let found = contrast(fg, own);
            assert!(found >= least, "{name}: {role} has {found:.2}");
            if style.bg.is_none() {
                let found = contrast(fg, popup);
                assert!(found >= least, "{name}: {role} on a popup has {found:.2}");
            }
        }
    }
}

#[test]
fn severities_and_text_are_readable_under_the_cursor() {
    for name in EXACT {
        let theme = theme(name, Depth::True);
        let selected = theme.style(Role::Selected);
        let (fg, bg) = (rgb(selected.fg).unwrap(), rgb(selected.bg).unwrap());
        assert!(contrast(fg, bg) >= 4.5, "{name}");
        assert!(
            contrast(bg, rgb(theme.style(Role::Background).bg).unwrap()) >= 1.3,
            "{name}"
        );
    }
}

#[test]
fn lines_are_seen_but_stay_behind() {
    for name in EXACT {
        let theme = theme(name, Depth::True);
        let ground = rgb(theme.style(Role::Background).bg).unwrap();
        let rule = contrast(rgb(theme.style(Role::Rule).fg).unwrap(), ground);
        let text = contrast(rgb(theme.style(Role::Text).fg).unwrap(), ground);
        assert!(rule >= 1.5 && rule < text, "{name}: {rule:.2}");
    }
}

#[test]
fn severities_can_be_told_apart() {
    for name in EXACT {
        let theme = theme(name, Depth::True);
        pairs(&theme, |a, b, first, second| {
            let found = apart(lab_of_light(linear(first)), lab_of_light(linear(second)));
            assert!(found >= 15.0, "{name}: {a} and {b} are {found:.1} apart");
        });
    }
}

#[test]
fn severities_can_be_told_apart_without_green_cones() {
    pairs(
        &theme("deuteranopia", Depth::True),
        |a, b, first, second| {
            let found = apart(as_deuteranope(first), as_deuteranope(second));
            assert!(found >= 20.0, "{a} and {b} are {found:.1} apart");
        },
    );
    // The test itself can fail: the ordinary theme does not pass it.
    let mut least = f64::MAX;
    pairs(&theme("dark", Depth::True), |_, _, first, second| {
        least = least.min(apart(as_deuteranope(first), as_deuteranope(second)));
    });
    assert!(least < 20.0);
}

fn pairs(theme: &Theme, mut look: impl FnMut(Role, Role, Rgb, Rgb)) {
    for (place, a) in SEVERITIES.iter().enumerate() {
        for b in &SEVERITIES[place + 1..] {
            let colour = |role: &Role| rgb(theme.style(*role).fg).unwrap();
            look(*a, *b, colour(a), colour(b));
        }
    }
}

/// What is seen without green cones (Machado, Oliveira and Fernandes 2009, severity 1.0).
fn as_deuteranope(colour: Rgb) -> [f64; 3] {
    const MATRIX: [[f64; 3]; 3] = [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ];
    let light = linear(colour);
    lab_of_light(MATRIX.map(|row| {
        let sum: f64 = row
            .iter()
            .zip(light)
            .map(|(share, part)| share * part)
            .sum();
        sum.clamp(0.0, 1.0)
    }))
}

#[test]
fn the_selection_sets_both_colours_or_reverses() {
    for (name, _) in EMBEDDED {
        let style = theme(name, Depth::True).style(Role::Selected);
        assert!(style.fg.is_some() && style.bg.is_some(), "{name}");
    }
    for (name, _) in EMBEDDED {
        let style = theme(name, Depth::None).style(Role::Selected);
        assert!(style.add_modifier.contains(Modifier::REVERSED), "{name}");
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    for (name, _) in EMBEDDED {
        for role in Role::ALL {
            let style = theme(name, Depth::None).style(*role);
            assert_eq!(
                (style.fg, style.bg),
                (Some(Color::Reset), Some(Color::Reset))
            );
        }
    }
}

#[test]
fn colours_fall_back_to_the_nearest_there_is() {
    let colour = |text| Colour::read(text).unwrap();
    assert_eq!(colour("#ff0000").at(Depth::True), Color::Rgb(255, 0, 0));
    assert_eq!(colour("#ff0000").at(Depth::Indexed), Color::Indexed(196));
    assert_eq!(colour("#ff0000").at(Depth::Sixteen), Color::Indexed(9));
    assert_eq!(colour("#080808").at(Depth::Indexed), Color::Indexed(232));
    assert_eq!(colour("#ffffff").at(Depth::Sixteen), Color::Indexed(15));
    assert_eq!(colour("bright-red").at(Depth::True), Color::Indexed(9));
    assert_eq!(colour("default").at(Depth::True), Color::Reset);
    assert_eq!(colour("#ff0000").at(Depth::None), Color::Reset);
}

#[test]
fn the_depth_is_what_the_terminal_says() {
    for (colorterm, term, depth) in [
        (Some("truecolor"), Some("xterm"), Depth::True),
        (None, Some("xterm-direct"), Depth::True),
        (None, Some("tmux-256color"), Depth::Indexed),
        (None, Some("linux"), Depth::Sixteen),
        (None, Some("vt100"), Depth::None),
        (None, None, Depth::None),
    ] {
        assert_eq!(Depth::of_terminal(colorterm, term), depth, "{term:?}");
    }
}

#[test]
fn a_ground_is_light_or_dark() {
    assert!(is_light(Rgb(0xfa, 0xf9, 0xf6)));
    assert!(!is_light(Rgb(0x10, 0x15, 0x1b)));
}

#[test]
fn a_child_recolours_what_its_parent_named() {
    let mut themes = Themes::default();
    themes.add("mine", "inherits = 'dark'\n[palette]\ntext = '#010203'\n");
    let style = themes.load("mine", Depth::True).unwrap().style(Role::Text);
    assert_eq!(style.fg, Some(Color::Rgb(1, 2, 3)));
}

#[test]
fn a_user_theme_may_refine_the_embedded_one_of_its_name() {
    let mut themes = Themes::default();
    themes.add("dark", "inherits = 'dark'\n[ui]\ntext = '#010203'\n");
    let style = themes.load("dark", Depth::True).unwrap().style(Role::Text);
    assert_eq!(style.fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(themes.names().len(), EMBEDDED.len());
}

#[test]
fn mistakes_name_line_and_what_was_meant() {
    let found = errors(
        "inherits = 'dark'\n'ui.txt' = 'text'\n'ui.dim' = 'dimm'\n'ui.key' = { fg = 'dim', modifiers = ['blod'] }\n'ui.rule' = { color = 'dim' }\n[palette]\nx = '#12'\n",
    );
    for expected in [
        "themes/mine.toml:2: no role is called `ui.txt`; write `ui.text`",
        "themes/mine.toml:3: no colour is called `dimm`; write `dim`",
        "themes/mine.toml:4: no modifier is called `blod`; write `bold`",
        "themes/mine.toml:5: `color` means nothing in `ui.rule`; write fg = \"colour\", bg = \"colour\" or modifiers = [..]",
        "themes/mine.toml:7: `x` in the palette is no colour; write \"#rrggbb\", \"default\", or one of the sixteen names",
    ] {
        assert!(
            found.iter().any(|m| m == expected),
            "{expected}\n{found:#?}"
        );
    }
    assert_eq!(found.len(), 5);
}

#[test]
fn a_missing_role_a_missing_parent_and_a_circle_are_mistakes() {
    let missing = errors("'ui.text' = 'red'\n");
    assert_eq!(missing.len(), Role::ALL.len() - 1);
    assert!(missing[0].contains("has no style"), "{missing:?}");
    assert!(errors("inherits = 'drak'\n")[0].contains("write `dark`"));
    assert!(errors("inherits = 'mine'\n")[0].contains("no theme is called `mine`"));
    let mut themes = Themes::default();
    themes.add("a", "inherits = 'b'");
    themes.add("b", "inherits = 'a'");
    let circle = themes.load("a", Depth::True).unwrap_err();
    assert!(circle[0].problem.contains("inherits from itself"));
    let unknown = themes.load("dork", Depth::True).unwrap_err();
    assert_eq!(unknown[0].hint.as_deref(), Some("write `dark`"));
}
