//! A row of the table of settings.

/// How a setting is written in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text in quotes.
    Text,
    /// A whole number, or text in quotes.
    Number,
    /// `true` or `false`.
    Switch,
    /// An array of strings.
    List,
    /// An array of strings that may hold anything: a program and its arguments.
    Program,
}

/// What nobody may see of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing is secret.
    Open,
    /// The value is secret.
    Secret,
    /// The value is a key: secret, unless it is the default, which everyone may use.
    Key,
    /// The value is a URL: its password is secret.
    Url,
}

/// Which layers may contain a setting. A configuration file may if there is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Flags, environment and `.env`.
    Outer,
    /// The environment only.
    Environment,
    /// The configuration file only.
    File,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The variable, or the key of a setting that only the configuration file has.
    pub name: &'static str,
    /// Another variable for the same, as other programs call it; where both are set, `name` counts.
    pub other_name: Option<&'static str>,
    /// The dotted key in the configuration file.
    pub key: Option<&'static str>,
    /// The dotted key of earlier versions, which is still read.
    pub former_key: Option<&'static str>,
    /// The flag of the command line.
    pub flag: Option<&'static str>,
    /// How the configuration file spells the value.
    pub kind: Kind,
    /// What nobody may see of it.
    pub secrecy: Secrecy,
    /// The value when nothing is set; empty if there is none.
    pub default: &'static str,
    /// The meaning, in one line.
    pub help: &'static str,
    pub(super) reach: Reach,
}

impl Setting {
    /// A setting with a variable and perhaps a key in the configuration file.
    #[must_use]
    pub const fn new(
        name: &'static str,
        key: Option<&'static str>,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            other_name: None,
            key,
            former_key: None,
            flag: None,
            kind: Kind::Text,
            secrecy: Secrecy::Open,
            default,
            help,
            reach: Reach::Outer,
        }
    }

    /// The same, also read under the key of earlier versions.
    #[must_use]
    pub const fn formerly(mut self, key: &'static str) -> Self {
        self.former_key = Some(key);
        self
    }

    /// The same, also read from another variable.
    #[must_use]
    pub const fn or(mut self, name: &'static str) -> Self {
        self.other_name = Some(name);
        self
    }

    /// Its variables, the one that counts first.
    pub(super) fn variables(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.other_name)
    }

    /// The same with a flag.
    #[must_use]
    pub const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    /// The same, spelled otherwise in the configuration file.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with something that nobody may see.
    #[must_use]
    pub const fn secrecy(mut self, secrecy: Secrecy) -> Self {
        self.secrecy = secrecy;
        self
    }

    pub(super) const fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }
}
