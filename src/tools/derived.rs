//! JSON Schemas of types, as any model takes them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

/// What a `T` is read from.
pub(super) fn schema_of_arguments<T: JsonSchema>() -> Value {
    schema::<T>(settings().for_deserialize())
}

/// What an `R` is written as.
pub(super) fn schema_of_result<R: JsonSchema>() -> Value {
    schema::<R>(settings().for_serialize())
}

/// Services differ in what of a schema they take. All take what says each thing where it is, and
/// nothing that a model has no use for: neither the name of a Rust type nor the width of its
/// numbers.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
        settings.transforms.push(Box::new(RecursiveTransform(without_ado)));
    })
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let mut untitled = |schema: &mut schemars::Schema| drop(schema.remove("title"));
    untitled.transform(&mut schema);
    schema.to_value()
}

fn without_ado(schema: &mut schemars::Schema) {
    let is_width = |format: &str| {
        ["int", "uint", "float", "double"].iter().any(|number| format.starts_with(number))
    };
    if schema.get("format").and_then(Value::as_str).is_some_and(is_width) {
        schema.remove("format");
    }
}
