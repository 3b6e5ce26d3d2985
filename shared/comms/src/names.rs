//! Enums whose values have one name each: in keys, configuration, logs and contracts alike.

use std::fmt;

/// A text that is none of the names of an enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a {what}; known: {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

impl UnknownName {
    /// `what` is the kind of thing that `text` is not one of, `known` are those there are.
    pub fn new<T: fmt::Display>(what: &'static str, text: &str, known: &[T]) -> Self {
        let name = crate::one_line(text).chars().take(80).collect();
        let known: Vec<String> = known.iter().map(T::to_string).collect();
        Self { what, name, known: known.join(", ") }
    }
}

/// Declares an enum with one name for each value, and with it `ALL`, `name`, `Display`, `FromStr` and the same
/// spelling in serde and JSON Schema. The crate that uses it depends on `serde` and `schemars`.
#[macro_export]
macro_rules! names {
    (
        $(#[$meta:meta])*
        $type:ident, $what:literal, { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema,
        )]
        #[allow(missing_docs, reason = "the name of a value says what it is")]
        pub enum $type { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl $type {
            /// Every value, in the order of the declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name used in keys, configuration, logs and contracts.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|it| it.name() == text);
                found.ok_or_else(|| $crate::UnknownName::new($what, text, Self::ALL))
            }
        }
    };
}
