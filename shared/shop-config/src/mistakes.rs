//! Every mistake of a file at once, each with the line and column it stands at and what to do: for the person who wrote
//! the file. Functions need only know whether a file is right, and use [`ShopConfig::parse_within`] alone, which has the
//! last word here, too: a file has mistakes exactly if that refuses it.
//!
//! The shape is compared with the published schema first (`shape.rs`). Where it is wrong, something of the right shape is
//! put in its place, so that the values can be checked all the same. A mistake of the values is only told if it is one
//! whatever is put there: nobody is sent after a mistake that goes away with another. No message quotes a value that may
//! be a secret, and nothing but the place and the message is kept of a file.

mod kinds;
mod shape;
#[cfg(test)]
mod tests;
mod tree;

use crate::{InvalidConfig, Problem, ShopConfig, check::Check, validate::unquoted};
use serde_json::Value;
use shape::{Gap, STAND_IN, Shape, Step, field};
use std::fmt;

/// More are not looked for: the file is another one than was meant.
const MOST: usize = 500;

/// One thing to correct, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Mistake {
    /// The line, counted from 1. Of what is missing: where the table begins that it belongs into, or 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// The field's path, such as `documents.receipt.channels[1]`. Empty if the file cannot be read there.
    pub field: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Mistake {
    fn at(text: &str, at: usize, field: &str, what: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, field: field.to_owned(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)
    }
}

/// All mistakes of a configuration file, in the order of their lines, for a deployment that locks nothing for longer than so
/// many days. Where a part of the file cannot be read at all, what is missing, and what is wrong with the values, shows once
/// that is corrected.
///
/// # Errors
/// The mistakes; at least one.
pub fn parse_for_people(text: &str, max_retention_days: u16) -> Result<ShopConfig, Vec<Mistake>> {
    let invalid = match ShopConfig::parse_within(text, max_retention_days) {
        Ok(config) => return Ok(config),
        Err(invalid) => invalid,
    };
    let schema = schemars::schema_for!(ShopConfig).to_value();
    let (root, unreadable) = tree::of_toml(text);
    let mut shape = Shape::new(text, &schema, "a table");
    shape.is_partial = !unreadable.is_empty();
    let value = shape.read(root);
    if !shape.is_partial {
        let values = Values { text, max_retention_days };
        values.read(&mut shape, value);
    }
    let mut mistakes = in_order(shape.mistakes, unreadable);
    if mistakes.is_empty() {
        mistakes.extend(of_invalid(text, &invalid));
    }
    Err(mistakes)
}

/// All mistakes of a JSON file by its schema, which is closed: what it does not name is a mistake.
pub fn mistakes_in_json(text: &str, schema: &Value) -> Vec<Mistake> {
    let (root, unreadable) = tree::of_json(text);
    let mut shape = Shape::new(text, schema, "an object");
    if unreadable.iter().all(|it| !it.field.is_empty()) {
        shape.read(root);
    }
    in_order(shape.mistakes, unreadable)
}

fn in_order(mut mistakes: Vec<Mistake>, unreadable: Vec<Mistake>) -> Vec<Mistake> {
    // what is left of a line that cannot be read says nothing
    mistakes.retain(|it| unreadable.iter().all(|unread| unread.line != it.line));
    mistakes.extend(unreadable);
    mistakes.sort_by(|a, b| (a.line, a.column, &a.field).cmp(&(b.line, b.column, &b.field)));
    mistakes.dedup();
    mistakes.truncate(MOST);
    mistakes
}

/// What a function would say of the file.
fn of_invalid(text: &str, invalid: &InvalidConfig) -> Vec<Mistake> {
    match invalid {
        InvalidConfig::Syntax { line, message } => {
            let at = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
            vec![Mistake::at(text, at, "", message)]
        }
        InvalidConfig::Problems(problems) => {
            problems.iter().map(|it| Mistake::at(text, 0, &it.field, &it.what)).collect()
        }
    }
}

/// The checks of values, for a file whose shape may be wrong.
struct Values<'a> {
    text: &'a str,
    max_retention_days: u16,
}

impl Values<'_> {
    fn read(&self, shape: &mut Shape<'_>, mut value: Value) {
        let Some(mut problems) = self.problems_after_repair(shape, &mut value) else { return };
        let gaps = std::mem::take(&mut shape.gaps);
        problems.retain(|problem| {
            !problem.what.contains(STAND_IN) && gaps.iter().all(|gap| !is_within(&problem.field, &gap.path))
        });
        for Gap { path, could_be } in &gaps {
            for other in could_be.iter().skip(1) {
                let mut value = value.clone();
                set(&mut value, path, other.clone());
                if let Ok(others) = self.problems(&value) {
                    problems.retain(|problem| others.contains(problem));
                }
            }
        }
        for Problem { field, what } in problems {
            let at = shape.place(&field);
            shape.mistakes.push(Mistake::at(self.text, at, &field, what));
        }
    }

    /// What only its own type can read, and the schema says nothing of, is found one after the other, and taken out.
    fn problems_after_repair(&self, shape: &mut Shape<'_>, value: &mut Value) -> Option<Vec<Problem>> {
        const TEXTS: [&str; 2] = [STAND_IN, "1"];
        for _ in 0..MOST {
            let (path, message) = match self.problems(value) {
                Ok(problems) => return Some(problems),
                Err(error) => error,
            };
            let name = field(&path);
            if shape.gaps.iter().all(|gap| gap.path != path) {
                let at = shape.place(&name);
                shape.mistakes.push(Mistake::at(self.text, at, &name, unquoted(&message)));
            }
            let others = TEXTS.iter().map(|text| Some((*text).into()));
            let helps = |it: &Option<Value>| {
                let mut value = value.clone();
                set(&mut value, &path, it.clone());
                self.problems(&value).map_or_else(|(at, _)| at != path && !path.starts_with(&at), |_| true)
            };
            let right = std::iter::once(None).chain(others).find(helps)?;
            set(value, &path, right.clone());
            shape.gaps.push(Gap { path, could_be: vec![right] });
        }
        None
    }

    /// What the checks say of a value, or where it cannot be read, and why.
    fn problems(&self, value: &Value) -> Result<Vec<Problem>, (Vec<Step>, String)> {
        let config: ShopConfig = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().iter().filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
                serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
                _ => None,
            });
            (path.collect(), error.inner().to_string())
        })?;
        Ok(Check::all(&config, self.max_retention_days))
    }
}

/// Whether a field is what is at the path, or in it.
fn is_within(field_name: &str, path: &[Step]) -> bool {
    let rest = field_name.strip_prefix(field(path).as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Puts a value at a path, or takes away what is there.
fn set(root: &mut Value, path: &[Step], value: Option<Value>) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut at = root;
    for step in parents {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Index(index) => at.get_mut(index),
        };
        let Some(next) = next else { return };
        at = next;
    }
    match (last, at, value) {
        (Step::Key(key), Value::Object(table), Some(value)) => {
            table.insert(key.clone(), value);
        }
        (Step::Key(key), Value::Object(table), None) => {
            table.remove(key);
        }
        (Step::Index(index), Value::Array(list), Some(value)) => {
            if let Some(item) = list.get_mut(*index) {
                *item = value;
            }
        }
        _ => {}
    }
}
