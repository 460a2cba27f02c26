//! The schema as its own definition language tells it, parsed once, for whoever looks up what it declares.

use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, ServiceDocument, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

use super::sdl;

/// A schema that its own library cannot read back is a defect that no request may meet in silence: tests meet it first.
static DOCUMENT: LazyLock<ServiceDocument> =
    LazyLock::new(|| parse_schema(sdl()).expect("the library reads what it has written"));

/// All types.
pub(crate) fn types() -> impl Iterator<Item = &'static TypeDefinition> {
    DOCUMENT.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        _ => None,
    })
}

/// The fields of all objects and interfaces, each with the name of its type.
pub(crate) fn fields() -> impl Iterator<Item = (&'static Name, &'static FieldDefinition)> {
    types().flat_map(|on| fields_of(on).iter().map(|field| (&on.name.node, &field.node)))
}

/// The name of a type without its lists.
pub(crate) fn named(declared: &Type) -> &Name {
    match &declared.base {
        BaseType::Named(name) => name,
        BaseType::List(element) => named(element),
    }
}

fn fields_of(on: &TypeDefinition) -> &[Positioned<FieldDefinition>] {
    match &on.kind {
        TypeKind::Object(object) => &object.fields,
        TypeKind::Interface(interface) => &interface.fields,
        _ => &[],
    }
}
