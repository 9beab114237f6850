//! Habits of people who come from kubectl and k9s, and screens that are too small for anything.

use super::*;

/// In front of the recorded cluster with another preset, whose keys are named on the screen.
fn with_preset(preset: &str) -> Seat {
    let mut world = Scene::load("cluster").app(Duration::from_secs(1));
    let keymap = keymap(preset);
    world.bindings = midwatch::start::bindings(&keymap);
    let mut seat = Seat::new(&world, &keymap);
    seat.size = Some((120, 36));
    seat.go("nodes");
    seat
}

#[test]
fn a_named_node_is_planned_and_drawn_wherever_the_cursor_is() {
    for size in SIZES {
        let mut seat = Seat::on_node("w-01", size);
        seat.command("cordon w-02 -- disk swap");
        seat.prepare(|_| {});
        let screen = seat.frame();
        assert!(screen.contains("PLAN cordon w-02"), "{screen}");
        assert!(screen.contains("REASON   disk swap"), "{screen}");
        assert!(!screen.contains("w-01"), "{screen}");
    }
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.command("cordon w-1 ");
    let told = "cordon: no node is called `w-1`; did you mean `w-01`?";
    assert!(seat.frame().contains(told), "{}", seat.frame());
    assert_ne!(seat.app.page(), Some(&Page::Plan));
}

#[test]
fn how_an_action_is_written_stands_beside_it_and_in_the_help() {
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.press(": c o r d o n space w - 0");
    let screen = seat.frame();
    let line = screen.lines().last().unwrap();
    assert!(line.contains("[NODE] [-- REASON]"), "{line}");
    assert!(line.contains("cordon w-01  cordon w-02"), "{line}");
    seat.press("esc ?");
    seat.press("/ : c o r d o n enter");
    let screen = seat.frame();
    assert!(screen.contains(":cordon [NODE] [-- REASON]"), "{screen}");
}

#[test]
fn what_is_typed_replaces_an_old_reason_and_an_old_filter() {
    let mut seat = last_that_takes_pods((120, 36));
    seat.command("override test");
    seat.press("r h e l l o enter");
    let open = seat.app.acting().proposal().unwrap();
    assert_eq!(open.reason(), "hello");
    seat.press("r end ! enter");
    assert_eq!(seat.app.acting().proposal().unwrap().reason(), "hello!");
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.press("/ w - 0 enter");
    seat.press("/");
    let screen = seat.frame();
    let line = screen.lines().last().unwrap();
    assert!(
        line.contains("/w-0") && line.contains("typing replaces it"),
        "{line}"
    );
    seat.press("! c p enter");
    assert_eq!(seat.app.view().filter, "!cp");
    seat.press("/ backspace m enter");
    assert_eq!(seat.app.view().filter, "!cm");
    seat.press("/ x esc");
    assert_eq!(seat.app.view().filter, "!cm", "left, it is as it was");
}

#[test]
fn arm_asks_by_key_and_by_word_and_a_time_is_the_confirmation() {
    for size in SIZES {
        for words in ["arm", "arm prod"] {
            let mut seat = Seat::on_node("w-01", size);
            seat.command(words);
            assert_eq!(seat.app.page(), Some(&Page::Arm), "{words}");
            assert!(seat.app.acting().armed().is_none(), "{words}");
            assert!(seat.frame().contains("ARM for prod"), "{}", seat.frame());
            read_on(&mut seat);
            seat.press("y");
            assert!(seat.app.acting().armed().is_some(), "{}", seat.notice());
            assert!(seat.frame().contains(" ARMED prod "), "{}", seat.frame());
        }
    }
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.command("arm 10m");
    assert!(seat.app.acting().armed().is_some());
    seat.command("arm");
    assert!(seat.notice().contains("armed already"), "{}", seat.notice());
    assert!(seat.app.page().is_none());
}

#[test]
fn asked_twice_from_a_plan_it_leads_back_there() {
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.press("x c");
    seat.prepare(|_| {});
    seat.command("arm");
    seat.command("arm");
    assert_eq!(seat.app.page(), Some(&Page::Arm));
    seat.press("y");
    assert_eq!(seat.app.page(), Some(&Page::Plan), "{}", seat.notice());
    assert!(seat.app.acting().armed().is_some());
}

/// Down to the end of a page.
fn read_on(seat: &mut Seat) {
    for _ in 0..20 {
        seat.press("j");
    }
}

#[test]
fn no_single_key_of_the_k9s_preset_acts_arms_or_asks_for_it() {
    let map = keymap("k9s");
    for scope in pane_ids().iter().chain(SCOPES) {
        for bound in map.bindings_for(scope) {
            let acts = matches!(
                bound.intent,
                Intent::Arm | Intent::Cordon | Intent::Uncordon
            );
            assert!(!acts || bound.keys.contains(' '), "{scope}: {}", bound.keys);
        }
    }
    let mut seat = with_preset("k9s");
    seat.press("A");
    assert!(seat.app.picking_sort(), "sorts, as it does there");
    seat.press("a s");
    assert!(seat.app.page().is_none() && seat.app.acting().proposal().is_none());
    seat.press("x a");
    assert_eq!(seat.app.page(), Some(&Page::Arm));
    let screen = seat.frame();
    assert!(screen.contains("or with x a."), "{screen}");
    seat.press("esc");
    seat.press("x");
    let screen = seat.frame();
    assert!(screen.contains("read-only, x a arms"), "{screen}");
    let mut seat = with_preset("k9s");
    seat.go("pods");
    seat.press("l");
    assert_eq!(seat.app.page(), Some(&Page::Logs), "{}", seat.notice());
}

#[test]
fn a_plan_that_was_read_is_not_answered_on_a_screen_that_cannot_show_it() {
    let mut seat = Seat::ready("w-01", (120, 36));
    read_to_its_end(&mut seat);
    for size in [(20, 5), (59, 36), (120, 14), (1, 1)] {
        seat.size = Some(size);
        seat.press("y y");
        assert_eq!(seat.runs(), 0, "{size:?}");
        assert_eq!(seat.app.page(), Some(&Page::Plan), "{size:?}");
    }
    // Back in sight it has to be seen again first.
    seat.size = Some((120, 36));
    seat.wait(700);
    seat.frame();
    seat.key("y".parse().unwrap());
    assert_eq!(seat.runs(), 0, "{}", seat.notice());
    seat.press("y");
    assert_eq!(seat.runs(), 1, "{}", seat.notice());
}

#[test]
fn on_a_screen_that_is_too_small_only_the_ways_out_do_anything() {
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.size = Some((20, 5));
    let screen = seat.frame();
    assert!(screen.contains("read-only"), "{screen}");
    let on = seat.app.selected();
    seat.press("j x c y A y 1 y u x u");
    for line in ["arm 10m", "cordon w-02"] {
        seat.press(":");
        seat.paste(line);
        seat.press("enter");
    }
    assert!(seat.out.is_empty(), "{:?}", seat.out);
    assert!(seat.app.acting().armed().is_none());
    assert_eq!(seat.app.selected(), on);
    // A prompt that was open before is left there and not answered.
    seat.size = Some((120, 36));
    seat.press(": a r m space 1 0 m");
    seat.size = Some((20, 5));
    seat.press("enter");
    assert!(seat.app.acting().armed().is_none());
    assert!(seat.app.prompt().is_some());
    seat.press("esc");
    assert!(seat.app.prompt().is_none());
    assert!(seat.notice().is_empty() || seat.notice().contains("not on the screen"));
}

#[test]
fn armed_stands_on_every_screen_however_small_and_so_does_read_only() {
    let mut seat = Seat::on_node("w-01", (120, 36));
    for size in [(120, 36), (80, 24), (60, 15), (30, 6), (20, 5)] {
        seat.size = Some(size);
        assert!(
            seat.frame().contains("read-only"),
            "{size:?}\n{}",
            seat.frame()
        );
    }
    seat.app.identity.context = "a-very-long-name-of-a-context-in-production-somewhere".into();
    seat.size = Some((60, 15));
    assert!(seat.frame().contains("read-only"), "{}", seat.frame());
    seat.size = Some((120, 36));
    seat.arm();
    seat.wait(1000);
    for size in [(120, 36), (80, 24), (60, 15), (30, 6), (20, 5), (20, 1)] {
        seat.size = Some(size);
        let screen = seat.frame();
        assert!(screen.contains("ARMED prod 09:"), "{size:?}\n{screen}");
    }
    // Logs have the whole screen, without a header.
    seat.size = Some((120, 36));
    seat.frame();
    seat.go("pods");
    seat.press("L f");
    assert!(seat.app.is_full_screen());
    let screen = seat.frame();
    assert!(screen.contains("ARMED prod 09:"), "{screen}");
    seat.command("disarm");
    assert!(seat.frame().contains("read-only"), "{}", seat.frame());
}
