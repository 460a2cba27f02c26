//! A part of the schema in the schema definition language: its fields at the root, and the types that these lead to.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind};

use super::Part;
use crate::graphql::declared::types;
use crate::graphql::sdl;

/// The types at the root.
const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];
/// What every text of documentation begins and ends with.
const QUOTES: &str = "\"\"\"";

/// The part as text; nothing where it has no field.
pub(crate) fn printed(part: Part) -> String {
    let whole = sdl();
    if part == Part::Whole {
        return whole;
    }
    let reached = reached(part);
    let kept = blocks(&whole).into_iter().filter_map(|block| match defined(block) {
        Some(("type", name)) if ROOTS.contains(&name) => root(block, part),
        Some(("schema", _)) => Some(schema(block, part)),
        Some(("directive", _)) | None => Some(block.to_owned()),
        Some((_, name)) => reached.contains(name).then(|| block.to_owned()),
    });
    if ROOTS.iter().any(|name| has_fields(name, part)) { kept.collect() } else { String::new() }
}

fn has_fields(name: &str, part: Part) -> bool {
    let root = types().find(|on| on.name.node.as_str() == name);
    root.is_some_and(|on| fields(on).iter().any(|field| part.has(field.node.name.node.as_str())))
}

/// The definitions of a text, each with its documentation and the blank line behind it.
fn blocks(text: &str) -> Vec<&str> {
    let (mut blocks, mut from, mut at, mut depth, mut is_quoted) = (Vec::new(), 0, 0, 0_i32, false);
    for line in text.split_inclusive('\n') {
        at += line.len();
        let bare = line.trim();
        if bare == QUOTES {
            is_quoted = !is_quoted;
            continue;
        }
        if is_quoted || bare.is_empty() {
            continue;
        }
        depth += i32::from(line.trim_end().ends_with('{')) - i32::from(bare == "}");
        if depth == 0 {
            // The blank line that may follow is of the block before it.
            let rest = &text[at..];
            let end = at + rest.len() - rest.trim_start_matches('\n').len();
            blocks.push(&text[from..end]);
            from = end;
        }
    }
    blocks
}

/// Kind and name of what a block defines.
fn defined(block: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let head = block.lines().find(|line| {
        let turns = line.trim() == QUOTES;
        is_quoted ^= turns;
        !is_quoted && !turns && !line.trim().is_empty()
    })?;
    let mut words = head.split([' ', '@', '(']).filter(|word| !word.is_empty());
    Some((words.next()?, words.next().unwrap_or_default()))
}

/// A type at the root with the fields of the part alone; nothing where it has none.
fn root(block: &str, part: Part) -> Option<String> {
    let (head, rest) = block.split_once("{\n")?;
    let (body, tail) = rest.rsplit_once('}')?;
    let quotes = format!("  {QUOTES}");
    let (mut kept, mut field, mut is_quoted, mut has_name) = (String::new(), String::new(), false, false);
    let mut keep = |field: &mut String| {
        if named(field).is_some_and(|name| part.has(name)) {
            kept.push_str(field);
        }
        field.clear();
    };
    for line in body.split_inclusive('\n') {
        let turns = line.trim_end() == quotes;
        if turns && !is_quoted && has_name {
            keep(&mut field);
            has_name = false;
        }
        is_quoted ^= turns;
        has_name |= !is_quoted && !turns;
        field.push_str(line);
    }
    keep(&mut field);
    (!kept.is_empty()).then(|| format!("{head}{{\n{kept}}}{tail}"))
}

/// The name of a field that stands there with its documentation.
fn named(field: &str) -> Option<&str> {
    let (_, declared) = field.split_once(QUOTES)?.1.split_once(QUOTES)?;
    declared.trim_start().split(['(', ':']).next()
}

fn schema(block: &str, part: Part) -> String {
    let is_there = |line: &&str| {
        ROOTS.iter().all(|name| !line.trim_end().ends_with(&format!(": {name}")) || has_fields(name, part))
    };
    block.split_inclusive('\n').filter(is_there).collect()
}

/// The names of all types that the part leads to.
fn reached(part: Part) -> HashSet<&'static str> {
    let mut reached = HashSet::new();
    let roots = types().filter(|on| ROOTS.contains(&on.name.node.as_str()));
    let mut next: Vec<&'static str> = Vec::new();
    for field in roots.flat_map(fields).filter(|field| part.has(field.node.name.node.as_str())) {
        lead(&field.node, &mut next);
    }
    while let Some(name) = next.pop() {
        if !reached.insert(name) {
            continue;
        }
        let Some(on) = types().find(|on| on.name.node.as_str() == name) else { continue };
        for field in fields(on) {
            lead(&field.node, &mut next);
        }
        match &on.kind {
            TypeKind::InputObject(input) => {
                next.extend(input.fields.iter().map(|field| base(&field.node.ty.node)));
            }
            // Whatever implements it can stand in its place.
            TypeKind::Interface(_) => next.extend(types().filter(|other| implements(other, name)).map(name_of)),
            TypeKind::Union(union) => next.extend(union.members.iter().map(|member| member.node.as_str())),
            TypeKind::Object(object) => {
                // Only its name is told there: others that implement it are not led to.
                reached.extend(object.implements.iter().map(|interface| interface.node.as_str()));
            }
            TypeKind::Scalar | TypeKind::Enum(_) => {}
        }
    }
    reached
}

fn lead(field: &'static FieldDefinition, next: &mut Vec<&'static str>) {
    next.push(base(&field.ty.node));
    next.extend(field.arguments.iter().map(|argument| base(&argument.node.ty.node)));
}

fn name_of(on: &'static TypeDefinition) -> &'static str {
    on.name.node.as_str()
}

fn implements(on: &TypeDefinition, interface: &str) -> bool {
    matches!(&on.kind, TypeKind::Object(object) if object.implements.iter().any(|name| name.node.as_str() == interface))
}

fn base(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(element) => base(element),
    }
}

fn fields(on: &'static TypeDefinition) -> &'static [Positioned<FieldDefinition>] {
    match &on.kind {
        TypeKind::Object(object) => &object.fields,
        TypeKind::Interface(interface) => &interface.fields,
        _ => &[],
    }
}
