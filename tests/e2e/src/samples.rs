//! What Shopify has in the samples of a flow: resources in the GraphQL shape, by the names of their files.

use crate::runtime::repository;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ops::{Index, IndexMut},
    path::Path,
};

#[derive(Clone)]
pub struct Samples(BTreeMap<String, Value>);

impl Samples {
    /// Nothing for a flow whose events say everything. What stands in an event's file is named after it and its place.
    pub fn of(flow: &str) -> Self {
        let folder = repository().join("infra/local/samples").join(flow);
        let of_events = files(&folder).into_iter().flat_map(|(name, mut event)| {
            let resources = event["shopify"].take().as_array().cloned().unwrap_or_default();
            resources.into_iter().zip(1..).map(move |(it, place)| (format!("{name}-{place}"), it))
        });
        Self(files(&folder.join("shopify")).into_iter().chain(of_events).collect())
    }

    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }

    pub fn add(&mut self, name: &str, resource: Value) {
        self.0.insert(name.to_owned(), resource);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.remove(name).unwrap_or_else(|| panic!("there is no sample {name}"));
    }

    /// What `other` does not have.
    pub(crate) fn gone_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(|(name, _)| !other.0.contains_key(*name)).map(|(_, resource)| resource)
    }

    /// What is not the same in `other`, or not there.
    pub(crate) fn changed_from<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(|(name, it)| other.0.get(*name) != Some(it)).map(|(_, resource)| resource)
    }
}

impl Index<&str> for Samples {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("there is no sample {name}"))
    }
}

impl IndexMut<&str> for Samples {
    fn index_mut(&mut self, name: &str) -> &mut Value {
        self.0.get_mut(name).unwrap_or_else(|| panic!("there is no sample {name}"))
    }
}

/// The JSON files of a folder, by their names.
fn files(folder: &Path) -> Vec<(String, Value)> {
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let json = path.extension().is_some_and(|it| it == "json");
        let text = json.then(|| std::fs::read_to_string(&path).unwrap())?;
        Some((path.file_stem()?.to_str()?.to_owned(), serde_json::from_str(&text).unwrap()))
    };
    std::fs::read_dir(folder).into_iter().flatten().filter_map(read).collect()
}

pub(crate) fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap_or_default()
}
