//! How large a document is once its fragments are written out. Each fragment is measured once, however often it is spread.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

use crate::limits::SELECTION_NESTING_MAX;

/// Fields of introspection that list what may hold such lists again.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// What stands in a selection set with all fragments written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::graphql) struct Size {
    /// Fields, spreads and inline fragments at any depth.
    pub(super) selections: usize,
    /// Fields at any depth.
    pub(in crate::graphql) fields: usize,
    /// Fields right here.
    pub(super) fields_here: usize,
    /// Selection sets within each other, those of fragments included.
    nesting: usize,
    /// Levels of fields.
    pub(super) depth: usize,
    /// Fields that answer under a name of the caller's.
    pub(super) aliases: usize,
    /// Directives on selections.
    pub(super) directives: usize,
    /// Most directives on one selection.
    pub(super) directives_on_one: usize,
    /// Most lists of introspection within each other, if this stands within introspection.
    pub(super) introspection_lists: usize,
    /// Fields answered, if this stands within introspection: each as often as the schema has it.
    pub(in crate::graphql) introspected: usize,
}

/// Why something has no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graphql) enum Endless {
    /// A fragment spreads itself.
    Cycle,
    /// More than [`SELECTION_NESTING_MAX`] selection sets stand within each other. Whoever walks a document does so on the stack.
    TooDeep,
}

/// Measures what stands in a document.
pub(in crate::graphql) struct Sizes<'a> {
    document: &'a ExecutableDocument,
    /// Each fragment's size; none while it is being measured.
    fragments: HashMap<&'a Name, Option<Size>>,
    /// Selection sets around what is being measured.
    around: usize,
}

impl<'a> Sizes<'a> {
    pub(in crate::graphql) fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, fragments: HashMap::new(), around: 0 }
    }

    /// The size of a selection set of the document.
    pub(in crate::graphql) fn of(&mut self, set: &'a SelectionSet) -> Result<Size, Endless> {
        if set.items.is_empty() {
            return Ok(Size::default());
        }
        if self.around >= SELECTION_NESTING_MAX {
            return Err(Endless::TooDeep);
        }
        self.around += 1;
        let measured = self.within(set);
        self.around -= 1;
        measured
    }

    fn within(&mut self, set: &'a SelectionSet) -> Result<Size, Endless> {
        let mut total = Size::default();
        for item in &set.items {
            let mut one = match &item.node {
                Selection::Field(field) => Self::field(&field.node, self.of(&field.node.selection_set.node)?),
                Selection::InlineFragment(inline) => self.of(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            let directives = item.node.directives().len();
            one.selections = one.selections.saturating_add(1);
            one.directives = one.directives.saturating_add(directives);
            one.directives_on_one = one.directives_on_one.max(directives);
            total.add(one);
        }
        total.nesting += 1;
        Ok(total)
    }

    fn field(field: &Field, below: Size) -> Size {
        let name = field.name.node.as_str();
        Size {
            fields: below.fields.saturating_add(1),
            fields_here: 1,
            depth: below.depth.saturating_add(1),
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            introspection_lists: below
                .introspection_lists
                .saturating_add(usize::from(INTROSPECTION_LISTS.contains(&name))),
            introspected: below.introspected.saturating_add(1).saturating_mul(times(name)),
            ..below
        }
    }

    /// An unknown fragment has nothing: the library names it.
    fn fragment(&mut self, name: &'a Name) -> Result<Size, Endless> {
        if let Some(known) = self.fragments.get(name) {
            let size = known.ok_or(Endless::Cycle)?;
            let is_too_deep = self.around + size.nesting > SELECTION_NESTING_MAX;
            return if is_too_deep { Err(Endless::TooDeep) } else { Ok(size) };
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, None);
        let mut size = self.of(&fragment.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

impl Size {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.fields = self.fields.saturating_add(other.fields);
        self.fields_here = self.fields_here.saturating_add(other.fields_here);
        self.nesting = self.nesting.max(other.nesting);
        self.depth = self.depth.max(other.depth);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.directives_on_one = self.directives_on_one.max(other.directives_on_one);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
        self.introspected = self.introspected.saturating_add(other.introspected);
    }
}

/// How often a field of introspection answers where it is asked once: about what our schema has of it.
fn times(field: &str) -> usize {
    match field {
        "types" => 120,
        "fields" => 8,
        "inputFields" | "enumValues" => 4,
        "args" | "directives" => 3,
        "interfaces" | "possibleTypes" => 2,
        _ => 1,
    }
}
