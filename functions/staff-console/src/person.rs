//! Who somebody is, and what they may do. Whoever has no role may do nothing.

use std::{collections::BTreeMap, fmt};

/// What somebody may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Find communications, see where they stand and why.
    Look,
    /// Open documents.
    Open,
    /// See evidence records and check them.
    Evidence,
    /// Send archived documents again.
    Resend,
    /// Keep evidence from being deleted, and end such holds.
    Hold,
    /// Say what became of a send whose outcome is unknown.
    Settle,
    /// See runs, dead letters and the configurations of shops.
    Operations,
    /// Have dead letters delivered again, or discard them.
    Redrive,
}

impl Right {
    pub const ALL: [Self; 8] = [
        Self::Look,
        Self::Open,
        Self::Evidence,
        Self::Resend,
        Self::Hold,
        Self::Settle,
        Self::Operations,
        Self::Redrive,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "find communications, see where they stand and why",
            Self::Open => "open documents",
            Self::Evidence => "see evidence records and check them",
            Self::Resend => "send archived documents again",
            Self::Hold => "hold evidence, and end holds that were placed here",
            Self::Settle => "settle a send whose outcome is unknown",
            Self::Operations => "see runs, dead letters and configurations",
            Self::Redrive => "have dead letters delivered again, discard them",
        }
    }
}

/// A role of the organisation that runs this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Support,
    Operator,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Support, Self::Operator, Self::Auditor];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::Look | Right::Open => true,
            Right::Evidence | Right::Operations => matches!(self, Self::Operator | Self::Auditor),
            Right::Resend => matches!(self, Self::Support | Self::Operator),
            Right::Hold => matches!(self, Self::Support | Self::Auditor),
            Right::Settle | Right::Redrive => matches!(self, Self::Operator),
        }
    }
}

/// What the identity provider calls the roles, where it has names of its own for them.
#[derive(Debug, Clone, Default)]
pub struct RoleNames(BTreeMap<String, Role>);

/// A list of names that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `role=name` with commas between, of support, operator and auditor")]
pub struct InvalidRoleNames;

impl RoleNames {
    /// Reads `support=helpdesk,operator=0f3a…`. A role that is not named is called as it is.
    pub fn parse(text: &str) -> Result<Self, InvalidRoleNames> {
        let mut names: BTreeMap<String, Role> = BTreeMap::new();
        let mut left = Role::ALL.to_vec();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (role, name) = pair.split_once('=').ok_or(InvalidRoleNames)?;
            let role = Role::ALL.into_iter().find(|it| it.name() == role.trim()).ok_or(InvalidRoleNames)?;
            let name = name.trim();
            if name.is_empty() || names.insert(name.to_owned(), role).is_some() {
                return Err(InvalidRoleNames);
            }
            left.retain(|it| *it != role);
        }
        for role in left {
            names.entry(role.name().to_owned()).or_insert(role);
        }
        Ok(Self(names))
    }

    pub fn of(&self, claimed: &[String]) -> Vec<Role> {
        claimed.iter().filter_map(|name| self.0.get(name)).copied().collect()
    }
}

/// Somebody whose token was checked.
#[derive(Clone)]
pub struct Person {
    /// The account, as its provider calls it: for the audit.
    pub subject: String,
    /// What colleagues call them: for evidence and pages.
    pub name: String,
    pub roles: Vec<Role>,
    /// The one shop that they may see, for a member of a shop's staff; otherwise all.
    pub shop: Option<comms::ShopDomain>,
}

impl Person {
    pub fn may(&self, right: Right) -> bool {
        self.roles.iter().any(|role| role.may(right))
    }

    /// Whether a shop's communications are theirs to see.
    pub fn sees(&self, shop: &comms::ShopDomain) -> bool {
        self.shop.as_ref().is_none_or(|own| own == shop)
    }
}

// the name is personal
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("roles", &self.roles).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_the_table_of_rights() {
        let mut rows = String::from("| may | support | operator | auditor |\n| --- | --- | --- | --- |\n");
        for right in Right::ALL {
            let cells = Role::ALL.map(|role| if role.may(right) { "yes" } else { "–" });
            rows.push_str(&format!("| {} | {} |\n", right.name(), cells.join(" | ")));
        }
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/console.md");
        contract::published_part(&page, "rights", &rows);
    }

    #[test]
    fn nobody_without_a_role_may_anything() {
        let nobody = Person { subject: "u".into(), name: "n".into(), roles: Vec::new(), shop: None };
        assert!(Right::ALL.iter().all(|right| !nobody.may(*right)));
    }

    #[test]
    fn a_provider_may_have_names_of_its_own_for_roles() {
        let names = RoleNames::parse("support=helpdesk, operator=0f3a").unwrap();
        let of = |name: &str| names.of(&[name.to_owned()]);
        assert_eq!(of("helpdesk"), [Role::Support]);
        assert_eq!(of("auditor"), [Role::Auditor], "as it is called where it has no other name");
        for other in ["support", "operator", "admin", ""] {
            assert_eq!(of(other), [], "{other}");
        }
        for bad in ["support", "boss=x", "support=", "support=a,operator=a"] {
            assert!(RoleNames::parse(bad).is_err(), "{bad}");
        }
    }
}
