//! The Admin API's own schema, read from a gzipped introspection result and compiled once.
//!
//! Operations are validated against it and answers are projected through it, so an answer cannot hold a
//! field or a type that Shopify does not have. Descriptions are dropped on the way: they are most of the
//! bytes and none of the meaning. A schema is compiled once per process and path, however many stubs ask.

use apollo_compiler::{
    Name, Schema,
    collections::HashMap as NameMap,
    schema::{ExtendedType, Implementers},
    validation::Valid,
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("no schema was given: pass the path of Shopify's admin_<version>.json.gz")]
    Missing,
    #[error("read the schema {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is not an introspection result")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{path} does not compile: {first}")]
    Invalid { path: PathBuf, first: String },
}

/// A compiled schema and what the resolvers ask of it.
#[derive(Debug)]
pub struct AdminSchema {
    pub schema: Valid<Schema>,
    pub implementers: NameMap<Name, Implementers>,
}

impl AdminSchema {
    /// Reads `.json.gz` introspection, plain `.json` introspection or `.graphql` SDL.
    pub fn load(path: &Path) -> Result<Arc<Self>, SchemaError> {
        static LOADED: OnceLock<Mutex<HashMap<PathBuf, Arc<AdminSchema>>>> = OnceLock::new();
        if path.as_os_str().is_empty() {
            return Err(SchemaError::Missing);
        }
        let read_error = |source| SchemaError::Read { path: path.to_owned(), source };
        let key = path.canonicalize().map_err(read_error)?;
        let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = loaded.get(&key) {
            return Ok(Arc::clone(schema));
        }
        let bytes = std::fs::read(path).map_err(read_error)?;
        let text = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut text = Vec::with_capacity(bytes.len() * 24);
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).map_err(read_error)?;
            text
        } else {
            bytes
        };
        let sdl = if text.trim_ascii_start().starts_with(b"{") {
            let document: Introspection = serde_json::from_slice(&text)
                .map_err(|source| SchemaError::Json { path: path.to_owned(), source })?;
            to_sdl(&document.into_schema())
        } else {
            String::from_utf8_lossy(&text).into_owned()
        };
        let compiled = Arc::new(Self::compile(path, sdl)?);
        loaded.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    fn compile(path: &Path, sdl: String) -> Result<Self, SchemaError> {
        // The document is Shopify's own and was checked there: parsing is enough, and validation of
        // 3500 types would double the start of every test.
        let schema = Schema::parse(sdl, path).map_err(|found| SchemaError::Invalid {
            path: path.to_owned(),
            first: found.errors.iter().next().map(|d| d.error.to_string()).unwrap_or_default(),
        })?;
        let implementers = schema.implementers_map();
        Ok(Self { schema: Valid::assume_valid(schema), implementers })
    }

    /// Whether an object of type `concrete` may stand where `declared` is expected.
    pub fn is_a(&self, concrete: &str, declared: &str) -> bool {
        if concrete == declared {
            return self.schema.get_object(concrete).is_some();
        }
        match self.schema.types.get(declared) {
            Some(ExtendedType::Interface(_)) => {
                self.implementers.get(declared).is_some_and(|set| set.objects.iter().any(|o| o == concrete))
            }
            Some(ExtendedType::Union(union)) => union.members.iter().any(|m| m.as_str() == concrete),
            _ => false,
        }
    }

    pub fn has_field(&self, object: &str, field: &str) -> bool {
        self.schema.get_object(object).is_some_and(|object| object.fields.contains_key(field))
    }

    /// The one type of a union or interface that has every field of a document.
    pub fn only_type_with(&self, declared: &str, document: &Value) -> Option<String> {
        let candidates: Vec<&Name> = match self.schema.types.get(declared)? {
            ExtendedType::Interface(_) => self.implementers.get(declared)?.objects.iter().collect(),
            ExtendedType::Union(union) => union.members.iter().map(|member| &member.name).collect(),
            _ => return None,
        };
        let keys: Vec<&String> = document.as_object()?.keys().filter(|key| *key != "__typename").collect();
        let mut fitting =
            candidates.into_iter().filter(|name| keys.iter().all(|key| self.has_field(name.as_str(), key)));
        let one = fitting.next()?;
        fitting.next().is_none().then(|| one.to_string())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Introspection {
    Answer { data: Inner },
    Bare(Inner),
}

#[derive(Deserialize)]
struct Inner {
    #[serde(rename = "__schema")]
    schema: IntrospectedSchema,
}

impl Introspection {
    fn into_schema(self) -> IntrospectedSchema {
        match self {
            Self::Answer { data } | Self::Bare(data) => data.schema,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntrospectedSchema {
    query_type: Named,
    mutation_type: Option<Named>,
    types: Vec<TypeDef>,
    #[serde(default)]
    directives: Vec<DirectiveDef>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeDef {
    kind: String,
    name: String,
    fields: Option<Vec<FieldDef>>,
    input_fields: Option<Vec<InputDef>>,
    interfaces: Option<Vec<Named>>,
    possible_types: Option<Vec<Named>>,
    enum_values: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct FieldDef {
    name: String,
    args: Vec<InputDef>,
    r#type: TypeRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputDef {
    name: String,
    r#type: TypeRef,
    default_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

#[derive(Deserialize)]
struct DirectiveDef {
    name: String,
    locations: Vec<String>,
    args: Vec<InputDef>,
}

const BUILT_IN_DIRECTIVES: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];
const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

fn to_sdl(schema: &IntrospectedSchema) -> String {
    let mut out = String::with_capacity(2 << 20);
    let _ = write!(out, "schema {{ query: {}", schema.query_type.name);
    if let Some(mutation) = &schema.mutation_type {
        let _ = write!(out, " mutation: {}", mutation.name);
    }
    out.push_str(" }\n");
    for directive in &schema.directives {
        if !BUILT_IN_DIRECTIVES.contains(&directive.name.as_str()) {
            let _ = write!(out, "directive @{}", directive.name);
            arguments(&mut out, &directive.args);
            let _ = writeln!(out, " on {}", directive.locations.join(" | "));
        }
    }
    for definition in &schema.types {
        if !definition.name.starts_with("__") && !BUILT_IN_SCALARS.contains(&definition.name.as_str()) {
            type_definition(&mut out, definition);
        }
    }
    out
}

fn type_definition(out: &mut String, definition: &TypeDef) {
    let names = |list: &Option<Vec<Named>>, joint: &str| {
        list.iter().flatten().map(|n| n.name.as_str()).collect::<Vec<_>>().join(joint)
    };
    let name = &definition.name;
    match definition.kind.as_str() {
        "SCALAR" => _ = writeln!(out, "scalar {name}"),
        "ENUM" => _ = writeln!(out, "enum {name} {{ {} }}", names(&definition.enum_values, " ")),
        "UNION" => _ = writeln!(out, "union {name} = {}", names(&definition.possible_types, " | ")),
        "INPUT_OBJECT" => {
            let _ = write!(out, "input {name} {{ ");
            for field in definition.input_fields.iter().flatten() {
                input(out, field);
                out.push(' ');
            }
            out.push_str("}\n");
        }
        kind => {
            let keyword = if kind == "INTERFACE" { "interface" } else { "type" };
            let _ = write!(out, "{keyword} {name}");
            let interfaces = names(&definition.interfaces, " & ");
            if !interfaces.is_empty() {
                let _ = write!(out, " implements {interfaces}");
            }
            out.push_str(" {\n");
            for field in definition.fields.iter().flatten() {
                out.push_str(&field.name);
                arguments(out, &field.args);
                out.push(':');
                type_ref(out, &field.r#type);
                out.push('\n');
            }
            out.push_str("}\n");
        }
    }
}

fn arguments(out: &mut String, list: &[InputDef]) {
    if list.is_empty() {
        return;
    }
    out.push('(');
    for argument in list {
        input(out, argument);
        out.push(' ');
    }
    out.push(')');
}

fn input(out: &mut String, definition: &InputDef) {
    out.push_str(&definition.name);
    out.push(':');
    type_ref(out, &definition.r#type);
    if let Some(default) = &definition.default_value {
        let _ = write!(out, "={default}");
    }
}

fn type_ref(out: &mut String, reference: &TypeRef) {
    match (reference.kind.as_str(), &reference.of_type) {
        ("NON_NULL", Some(inner)) => {
            type_ref(out, inner);
            out.push('!');
        }
        ("LIST", Some(inner)) => {
            out.push('[');
            type_ref(out, inner);
            out.push(']');
        }
        _ => out.push_str(reference.name.as_deref().unwrap_or_default()),
    }
}
