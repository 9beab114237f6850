//! What a key can ask for: a closed vocabulary.
//!
//! A keymap binds keys to these names, help shows their docs, the palette lists them, and `app`
//! decides what they do. No key is named here.

use std::fmt;
use std::str::FromStr;

/// Where an intent means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Anywhere.
    Everywhere,
    /// In a pane with a cursor or a scroll position.
    Pane,
    /// Where a subject is under the cursor.
    Selection,
    /// On a page of YAML or logs.
    Text,
}

impl Scope {
    /// The heading of its group in help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Pane => "Moving and viewing",
            Self::Selection => "Selection",
            Self::Text => "YAML and logs",
        }
    }
}

macro_rules! intents {
    ($($variant:ident $name:literal $scope:ident $doc:literal;)*) => {
        /// What a key asks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intent {
            $(#[doc = $doc] $variant,)*
            /// Go to the pane with this number, 1 to 9.
            GoToPane(u8),
        }

        impl Intent {
            /// Every intent, in the order in which help shows them.
            pub const ALL: &'static [Self] = &[
                $(Self::$variant,)*
                Self::GoToPane(1), Self::GoToPane(2), Self::GoToPane(3),
                Self::GoToPane(4), Self::GoToPane(5), Self::GoToPane(6),
                Self::GoToPane(7), Self::GoToPane(8), Self::GoToPane(9),
            ];

            /// The name in keymaps and in the palette: kebab case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::GoToPane(n) => pane_name(n),
                }
            }

            /// One line for help.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                    Self::GoToPane(_) => "Go to the pane with this number",
                }
            }

            #[must_use]
            pub const fn scope(self) -> Scope {
                match self {
                    $(Self::$variant => Scope::$scope,)*
                    Self::GoToPane(_) => Scope::Everywhere,
                }
            }
        }
    };
}

intents! {
    MoveDown "move-down" Pane "Move down one row";
    MoveUp "move-up" Pane "Move up one row";
    HalfPageDown "half-page-down" Pane "Move down half a page";
    HalfPageUp "half-page-up" Pane "Move up half a page";
    PageDown "page-down" Pane "Move down a page";
    PageUp "page-up" Pane "Move up a page";
    Top "top" Pane "Go to the first row";
    Bottom "bottom" Pane "Go to the last row";
    Left "left" Pane "Show columns further to the left";
    Right "right" Pane "Show columns further to the right";
    Filter "filter" Pane "Filter rows: web, !web, a|b, -l label=x, -l 'label in (a,b)', -f letters";
    NextMatch "next-match" Pane "Go to the next match";
    PreviousMatch "prev-match" Pane "Go to the previous match";
    Sort "sort" Pane "Choose the column to sort by";
    InvertSort "invert-sort" Pane "Turn the order around";
    ProblemsOnly "problems-only" Pane "Show problems only, or everything";
    Wide "wide" Pane "Give the table the whole body, or share it";
    Open "open" Selection "Go into what is under the cursor, or describe it";
    Details "details" Selection "Describe what is under the cursor";
    Owner "owner" Selection "Go to what it belongs to or is about";
    EventsOf "events-of" Selection "Show the events about it";
    Evidence "evidence" Selection "Show value, threshold, source and age behind it";
    Yaml "yaml" Selection "Show the object as YAML, as the API server has it now";
    Logs "logs" Selection "Read the logs of a pod or of a workload's pods";
    PreviousLogs "previous-logs" Selection "Read the logs of the run before the last restart";
    Unfold "unfold" Selection "Show what is folded under a finding";
    Fold "fold" Selection "Hide what is folded under a finding";
    Copy "copy" Selection "Copy the name under the cursor; of an object as kubectl takes it: -n NAMESPACE pod/NAME";
    PollNow "poll-now" Selection "Poll its targets now";
    Cordon "cordon" Selection "Plan to keep new pods off the node";
    Uncordon "uncordon" Selection "Plan to let the node take new pods again";
    Undo "undo" Selection "Plan to take an action back";
    Autoscroll "autoscroll" Text "Go along with the newest line, or stand still";
    FullScreen "full-screen" Text "Give the lines the whole screen, or share it";
    Wrap "wrap" Text "Break long lines, or cut them";
    Timestamps "timestamps" Text "Show when each line was written, or not";
    OnlyMatches "only-matches" Text "Show only lines that match, or all with the matches marked";
    NextContainer "next-container" Text "Read the next container alone, then all again";
    SinceTail "since-tail" Text "Read the last 500 lines";
    SinceFiveMinutes "since-5m" Text "Read the last 5 minutes";
    SinceHour "since-1h" Text "Read the last hour";
    SinceBeginning "since-beginning" Text "Read everything that the node still has";
    Bytes "bytes" Text "Show the escape sequences in lines instead of their colours";
    ManagedFields "managed-fields" Text "Show or hide who wrote which field";
    Reveal "reveal" Text "Show or mask the values of a secret";
    Save "save" Text "Write what is shown to a file";
    Back "back" Everywhere "Go back one level";
    Earlier "earlier" Everywhere "Go to the view before this one";
    Later "later" Everywhere "Go to the view that was left by going back";
    NextPane "next-pane" Everywhere "Go to the next pane";
    LastPane "last-pane" Everywhere "Go to the pane before this one";
    ShowAll "show-all" Everywhere "Show everything: no filter, all namespaces";
    Arm "arm" Everywhere "Arm for one cluster, or disarm";
    Palette "palette" Everywhere "Type a command";
    Messages "messages" Everywhere "Show earlier messages";
    Freeze "freeze" Everywhere "Hold the screen still, or let it go on";
    Help "help" Everywhere "Show the keys of this view";
    Redraw "redraw" Everywhere "Draw the screen anew";
    Suspend "suspend" Everywhere "Stop midwatch and go to the shell";
    Cancel "cancel" Everywhere "Cancel, then quit";
    Quit "quit" Everywhere "Go back, or quit at the top";
}

const fn pane_name(number: u8) -> &'static str {
    match number {
        1 => "pane-1",
        2 => "pane-2",
        3 => "pane-3",
        4 => "pane-4",
        5 => "pane-5",
        6 => "pane-6",
        7 => "pane-7",
        8 => "pane-8",
        _ => "pane-9",
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no intent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no intent is called `{0}`")]
pub struct NoSuchIntent(pub String);

impl FromStr for Intent {
    type Err = NoSuchIntent;

    fn from_str(name: &str) -> Result<Self, NoSuchIntent> {
        Self::ALL
            .iter()
            .copied()
            .find(|intent| intent.name() == name)
            .ok_or_else(|| NoSuchIntent(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_own_intent() {
        for intent in Intent::ALL {
            assert_eq!(intent.name().parse(), Ok(*intent));
            assert!(!intent.doc().is_empty() && !intent.doc().ends_with('.'));
        }
        assert!("pane-0".parse::<Intent>().is_err());
    }
}
