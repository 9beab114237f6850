//! What a piece of the screen means. A theme gives each role its look; nothing else knows colours.

use std::fmt;
use std::str::FromStr;

macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// The meaning of a text or a shape on the screen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in theme files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it is for, in one line.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }
        }
    };
}

roles! {
    Background "ui.background" "The ground under everything";
    Text "ui.text" "Plain text";
    Dim "ui.dim" "Text of second rank: units, hints, what is fine";
    Rule "ui.rule" "Lines between regions";
    Header "ui.header" "The two lines at the top";
    Title "ui.title" "The name of a pane";
    Selected "ui.selected" "The row under the cursor";
    Accent "ui.accent" "The one thing to look at that is no alarm";
    Key "ui.key" "A key in a hint";
    Prompt "ui.prompt" "Where text is typed";
    Match "ui.match" "Text that a filter found";
    Popup "ui.popup" "The ground of help and of popups";
    Error "ui.error" "A refused command, a bad filter";
    TableHeader "table.header" "The names of columns";
    StateOk "state.ok" "Known and good";
    StateBad "state.bad" "Known and bad";
    StateUnknown "state.unknown" "Not known, which is never good";
    StateAging "state.aging" "Late, still believed";
    StateStale "state.stale" "Too old to be believed";
    StateNotConfigured "state.not-configured" "Not looked at";
    Critical "severity.critical" "Act now";
    Warning "severity.warning" "Act today";
    Unknown "severity.unknown" "It cannot be known whether to act";
    Info "severity.info" "Worth knowing";
    ChartLine "chart.line" "The line of a chart and of a spark line";
    ChartFill "chart.fill" "The area below it, and bars";
    ChartGrid "chart.grid" "Axes and grid";
    ChartLimit "chart.limit" "A threshold in a chart";
    SyntaxKey "syntax.key" "The name of a field in YAML";
    SyntaxText "syntax.text" "A text in YAML";
    SyntaxLiteral "syntax.literal" "A number or a truth value in YAML";
    SyntaxComment "syntax.comment" "What midwatch says about a YAML text";
    Series1 "series.1" "The first of things that are told apart by colour beside their name";
    Series2 "series.2" "The second of them";
    Series3 "series.3" "The third of them";
    Series4 "series.4" "The fourth of them";
    Series5 "series.5" "The fifth of them";
    Series6 "series.6" "The sixth of them; then the first again";
    Production "context.prod" "The mark of a production context";
    Context "context.normal" "The mark of any other context";
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no role is called `{0}`")]
pub struct NoSuchRole(pub String);

impl FromStr for Role {
    type Err = NoSuchRole;

    fn from_str(name: &str) -> Result<Self, NoSuchRole> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.name() == name)
            .ok_or_else(|| NoSuchRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_own_role() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(*role));
        }
        assert_eq!("ui.txt".parse::<Role>(), Err(NoSuchRole("ui.txt".into())));
    }

    #[test]
    fn a_role_is_its_own_place_in_the_table() {
        for (place, role) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, place);
        }
    }
}
