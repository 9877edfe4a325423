//! What the rules need to know of one Rust file: the paths it names, its functions, its awaits.
//!
//! Names are resolved within the crate: `crate::`, `self::`, `super::` and whatever a `use` brought in.
//! Items under `#[cfg(test)]` are passed over.

use proc_macro2::{Span, TokenStream, TokenTree};
use std::collections::BTreeMap;
use syn::{
    Attribute, Block, ExprAsync, ExprAwait, ExprMethodCall, ImplItemFn, Item, ItemFn, Macro, Path, Signature,
    TraitItemFn, UseTree, spanned::Spanned, visit::Visit,
};

/// A name used at a line, as segments from the crate's root.
#[derive(Debug)]
pub struct Use {
    pub line: usize,
    pub path: Vec<String>,
}

/// A function, with its signature and body.
#[derive(Debug)]
pub struct Function {
    pub line: usize,
    pub name: String,
    pub lines: usize,
}

/// What one file says.
#[derive(Debug, Default)]
pub struct Facts {
    /// Paths inside the crate.
    pub uses: Vec<Use>,
    pub functions: Vec<Function>,
    /// Lines with `async` or `await`.
    pub asyncs: Vec<usize>,
    /// Calls and macros of production code that the word rules judge: `unwrap`, `todo!`, ….
    pub calls: Vec<(usize, String)>,
    /// Public items at the top of the file.
    pub public: Vec<String>,
    /// Lines under `#[cfg(test)]`.
    pub test_lines: usize,
}

impl Facts {
    /// Parses a file.
    pub fn of(path: &str, text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let module = module_of(path);
        let mut imports = Imports { module: &module, aliases: BTreeMap::new(), facts: Facts::default() };
        for item in file.items.iter().filter(|item| !is_test_item(item)) {
            imports.visit_item(item);
        }
        let Imports { aliases, facts, .. } = imports;
        let mut walker = Walker { module: &module, aliases, facts };
        for item in &file.items {
            walker.top_level(item);
        }
        Ok(walker.facts)
    }
}

/// `node/src/actors/client/put.rs` → `[actors, client, put]`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.split_once("/src/").map_or(path, |(_, inner)| inner);
    let mut module: Vec<String> = inner.trim_end_matches(".rs").split('/').map(String::from).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let gate = attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| {
                let tokens = list.tokens.to_string();
                tokens == "test" || tokens.starts_with("all (test")
            });
        gate || attribute.path().is_ident("test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test_item(item: &Item) -> bool {
    is_test(attributes(item))
}

/// Name of an item that is plain `pub`.
fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, syn::Visibility::Public(_)).then(|| name.to_string())
}

fn line(span: Span) -> usize {
    span.start().line
}

/// Segments from the crate's root, or `None` if the path starts outside the crate.
fn resolve(
    module: &[String],
    aliases: &BTreeMap<String, Vec<String>>,
    path: &[String],
) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut base: Vec<String> = match first.as_str() {
        "crate" | "holdfast" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        name => aliases.get(name)?.clone(),
    };
    for segment in rest {
        if segment == "super" {
            base.pop();
        } else {
            base.push(segment.clone());
        }
    }
    Some(base)
}

/// First pass: what `use` brings in, and under which name.
struct Imports<'a> {
    module: &'a [String],
    aliases: BTreeMap<String, Vec<String>>,
    facts: Facts,
}

impl Imports<'_> {
    fn leaf(&mut self, span: Span, path: &[String], alias: Option<String>) {
        let none = BTreeMap::new();
        let Some(full) = resolve(self.module, &none, path) else { return };
        if let Some(alias) = alias {
            self.aliases.insert(alias, full.clone());
        }
        self.facts.uses.push(Use { line: line(span), path: full });
    }

    fn tree(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(node) => {
                prefix.push(node.ident.to_string());
                self.tree(prefix, &node.tree);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(prefix, item)),
            UseTree::Name(leaf) if leaf.ident == "self" => {
                let alias = prefix.last().cloned();
                self.leaf(leaf.ident.span(), &prefix.clone(), alias);
            }
            UseTree::Name(leaf) => self.named(prefix, &leaf.ident, leaf.ident.to_string()),
            UseTree::Rename(leaf) => self.named(prefix, &leaf.ident, leaf.rename.to_string()),
            UseTree::Glob(glob) => {
                let path = [prefix.as_slice(), &["*".into()]].concat();
                self.leaf(glob.star_token.span(), &path, None);
            }
        }
    }

    fn named(&mut self, prefix: &[String], name: &syn::Ident, alias: String) {
        let path = [prefix, &[name.to_string()]].concat();
        self.leaf(name.span(), &path, Some(alias));
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }
}

/// Second pass: everything else.
struct Walker<'a> {
    module: &'a [String],
    aliases: BTreeMap<String, Vec<String>>,
    facts: Facts,
}

impl Walker<'_> {
    fn top_level(&mut self, item: &Item) {
        self.facts.public.extend(public_name(item));
        self.visit_item(item);
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let (first, last) = (line(signature.span()), body.brace_token.span.close().end().line);
        let name = signature.ident.to_string();
        self.facts.functions.push(Function { line: first, name, lines: last - first + 1 });
        if let Some(token) = signature.asyncness {
            self.facts.asyncs.push(line(token.span()));
        }
    }

    /// Macros keep their input unparsed, so a call inside one is recognised by its tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut after_dot = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) if after_dot && ident == "unwrap" => {
                    self.facts.calls.push((line(ident.span()), "unwrap".into()));
                }
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    continue;
                }
                _ => {}
            }
            after_dot = false;
        }
    }
}

impl<'ast> Visit<'ast> for Walker<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test_item(item) {
            let span = item.span();
            self.facts.test_lines += span.end().line - span.start().line + 1;
        } else {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(full) = resolve(self.module, &self.aliases, &segments) {
            self.facts.uses.push(Use { line: line(path.span()), path: full });
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        self.facts.asyncs.push(line(expression.await_token.span()));
        syn::visit::visit_expr_await(self, expression);
    }

    fn visit_expr_async(&mut self, expression: &'ast ExprAsync) {
        self.facts.asyncs.push(line(expression.async_token.span()));
        syn::visit::visit_expr_async(self, expression);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.args.is_empty() {
            self.facts.calls.push((line(call.method.span()), call.method.to_string()));
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        if let Some(name) = invocation.path.segments.last() {
            self.facts.calls.push((line(name.ident.span()), format!("{}!", name.ident)));
        }
        self.tokens(invocation.tokens.clone());
        syn::visit::visit_macro(self, invocation);
    }
}
