//! One module as the rules see it: its names, its imports, and the paths and
//! `unsafe` in its code. Test code is taken out first.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, Stmt, UseTree};

/// A path, segment by segment: `crate`, `store`, `load`.
pub(crate) type Path = Vec<String>;

/// One leaf of a use tree.
pub(crate) struct Import {
    /// The name that it has here; `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) path: Path,
}

/// The code of one module, without its child modules.
#[derive(Default)]
pub(crate) struct Source {
    /// Items that are defined here.
    pub(crate) items: Vec<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths of two segments and more that stand in the code.
    pub(crate) paths: Vec<Path>,
    pub(crate) has_unsafe: bool,
    /// Child modules: in a file of their own, or inline.
    pub(crate) modules: Vec<Child>,
}

pub(crate) enum Child {
    File(String),
    Inline(String, Source),
}

/// Parses a file.
pub(crate) fn parse(text: &str) -> syn::Result<Source> {
    let file = syn::parse_file(text)?;
    Ok(Source::of(file.items))
}

impl Source {
    fn of(mut items: Vec<Item>) -> Self {
        let mut source = Self::default();
        items.retain(|item| !is_test(attributes(item)));
        for item in &mut items {
            source.visit_item_mut(item);
        }
        for item in items {
            match item {
                Item::Mod(module) => source.take_module(module),
                Item::Use(import) => source.take_import(&import),
                item => {
                    source.items.extend(name(&item));
                    source.scan(item.to_token_stream());
                }
            }
        }
        source
    }

    fn take_module(&mut self, module: ItemMod) {
        let name = module.ident.to_string();
        self.modules.push(match module.content {
            None => Child::File(name),
            Some((_, items)) => Child::Inline(name, Self::of(items)),
        });
    }

    fn take_import(&mut self, import: &ItemUse) {
        let leading = import.leading_colon.is_some();
        if !leading {
            open(&import.tree, &mut Vec::new(), &mut self.imports);
        }
    }

    /// Finds paths and `unsafe` in tokens, those given to macros included.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Path::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    let ident = ident.to_string();
                    self.has_unsafe |= ident == "unsafe";
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(ident);
                    colons = 0;
                    continue;
                }
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.end_path(&mut path);
            colons = 0;
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Path) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.paths.push(path);
        }
    }
}

/// Takes test items and imports out of function bodies; the module's own are the
/// caller's.
impl VisitMut for Source {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| match statement {
            Stmt::Item(Item::Use(import)) => {
                self.take_import(import);
                false
            }
            Stmt::Item(item) => !is_test(attributes(item)),
            _ => true,
        });
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|item| match item {
            syn::ImplItem::Fn(function) => !is_test(&function.attrs),
            syn::ImplItem::Const(constant) => !is_test(&constant.attrs),
            _ => true,
        });
        visit_mut::visit_item_impl_mut(self, item);
    }

    /// Inline modules are sources of their own.
    fn visit_item_mod_mut(&mut self, _: &mut ItemMod) {}
}

/// Opens the groups of a use tree.
fn open(tree: &UseTree, before: &mut Path, imports: &mut Vec<Import>) {
    match tree {
        UseTree::Path(part) => {
            before.push(part.ident.to_string());
            open(&part.tree, before, imports);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                open(tree, before, imports);
            }
        }
        UseTree::Name(leaf) => imports.push(import(before, &leaf.ident.to_string(), None)),
        UseTree::Rename(leaf) => {
            let name = leaf.rename.to_string();
            imports.push(import(before, &leaf.ident.to_string(), Some(name)));
        }
        UseTree::Glob(_) => imports.push(Import {
            name: None,
            path: before.clone(),
        }),
    }
}

/// `use a::b::{self}` imports `a::b` under the name `b`.
fn import(before: &[String], leaf: &str, renamed: Option<String>) -> Import {
    let mut path = before.to_vec();
    if leaf != "self" || path.is_empty() {
        path.push(leaf.to_owned());
    }
    let name = renamed.or_else(|| path.last().cloned());
    Import { name, path }
}

/// Returns true for `#[test]` and for a `cfg` that asks for tests.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            let mut words = condition.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| word == "test") && !condition.contains("not")
        }
        _ => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines; an `impl` defines none.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
