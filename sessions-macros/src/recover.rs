//! Parsing of traits that are not valid Rust yet, as editors pass them while someone types.
//!
//! The header and the items of the trait are parsed one by one. An item that cannot be parsed costs one error and,
//! at worst, its own method: the other operations, the client and the module are generated as usual, so that an editor
//! continues to complete them.
//!
//! Rejected alternative: a separate tolerant parser for the whole trait. Valid items are parsed by syn in either
//! case, and only the pieces between them need to be found.

use crate::errors::Errors;
use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, FnArg, Generics, Ident, ItemTrait, ReturnType, TraitItem, TraitItemFn, Visibility};

/// Name of an attribute that marks incomplete operations for [`is_marked`]. It never reaches the compiler.
const MARK: &str = "__incomplete";

/// Parses a trait, whose incomplete parts are reported. Returns `None` if there is no trait with a name.
pub(crate) fn parse(item: &TokenStream, errors: &mut Errors) -> Option<ItemTrait> {
    let error = match syn::parse2(item.clone()) {
        Ok(parsed) => return Some(parsed),
        Err(error) => error,
    };
    let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(keyword) = tokens.iter().position(|token| is_ident(token, "trait")) else {
        let message = format_args!("`#[http_api]` can only be applied to a trait: {error}");
        errors.push(syn::Error::new(error.span(), message));
        return None;
    };
    let (header, body) = match tokens.iter().rposition(|token| is_group(token, Delimiter::Brace)) {
        Some(at) if at > keyword => (&tokens[..at], Some(members(&tokens[at]))),
        _ => (&tokens[..], None),
    };
    let mut parsed = parse_header(header, keyword, body.is_some(), errors)?;
    for member in body.into_iter().flatten() {
        parse_member(&member, &mut parsed.items, errors);
    }
    Some(parsed)
}

/// Returns whether `method` is incomplete, which is already reported, and removes the mark.
pub(crate) fn is_marked(method: &mut TraitItemFn) -> bool {
    let before = method.attrs.len();
    method.attrs.retain(|attribute| !attribute.path().is_ident(MARK));
    method.attrs.len() < before
}

/// Parses everything before the braces. Of an incomplete header, uses the longest part that is valid.
fn parse_header(
    tokens: &[TokenTree],
    keyword: usize,
    has_body: bool,
    errors: &mut Errors,
) -> Option<ItemTrait> {
    let complete = tokens.iter().cloned().collect::<TokenStream>();
    let error = match syn::parse2(quote!(#complete {})) {
        Ok(parsed) => {
            if !has_body {
                let message = "the trait is incomplete: expected its operations in braces";
                errors.on(&complete, message);
            }
            return Some(parsed);
        }
        Err(error) => error,
    };
    report(&error, "the trait", errors);
    let (attributes, before) = attributes(&tokens[..keyword]);
    let before = before.iter().cloned().collect::<TokenStream>();
    // Skips qualifiers, which traits with operations do not have.
    let visibility = |input: ParseStream<'_>| {
        let visibility = input.parse::<Visibility>()?;
        input.parse::<TokenStream>()?;
        Ok(visibility)
    };
    let visibility = visibility.parse2(before).unwrap_or(Visibility::Inherited);
    let after = &tokens[keyword + 1..];
    (1..=after.len()).rev().find_map(|end| {
        let rest = after[..end].iter().cloned().collect::<TokenStream>();
        syn::parse2(quote!(#(#attributes)* #visibility trait #rest {})).ok()
    })
}

/// Splits the body of a trait after each `;` and after the body of each method.
fn members(body: &TokenTree) -> Vec<Vec<TokenTree>> {
    let TokenTree::Group(body) = body else { return Vec::new() };
    let mut members = vec![Vec::<TokenTree>::new()];
    for token in body.stream() {
        let Some(member) = members.last_mut() else { break };
        // `Thing<{ N }>` and `= { 1 }` have braces inside an item.
        let inside = member.last().is_some_and(|last| ['<', ',', '='].iter().any(|&c| is_punct(last, c)));
        let ends = is_punct(&token, ';') || is_group(&token, Delimiter::Brace) && !inside;
        member.push(token);
        if ends {
            members.push(Vec::new());
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

/// Parses the tokens up to a `;`, which are several items if one of them is incomplete.
fn parse_member(tokens: &[TokenTree], items: &mut Vec<TraitItem>, errors: &mut Errors) {
    if let Ok(item) = parse_all(tokens) {
        items.push(item);
        return;
    }
    let starts: Vec<usize> = (1..tokens.len()).filter(|&at| is_start(tokens, at)).collect();
    let ends = starts.iter().copied().chain([tokens.len()]);
    for (start, end) in [0].into_iter().chain(starts.iter().copied()).zip(ends) {
        let piece = &tokens[start..end];
        match parse_all(piece) {
            Ok(item) => items.push(item),
            Err(error) => {
                let repaired = repair(piece);
                let name = repaired.as_ref().map(|method| format!("`{}`", method.sig.ident));
                report(&error, name.as_deref().unwrap_or("the operation"), errors);
                items.extend(repaired.map(TraitItem::Fn));
            }
        }
    }
}

/// Returns whether an item starts at this index: an attribute that is not the next of a series, `async fn`, or
/// `fn name`.
fn is_start(tokens: &[TokenTree], at: usize) -> bool {
    let (before, token, next) = (&tokens[at - 1], &tokens[at], tokens.get(at + 1));
    let is_after_attribute =
        |at: usize| at > 1 && is_group(&tokens[at - 1], Delimiter::Bracket) && is_punct(&tokens[at - 2], '#');
    // The attribute in front may be incomplete: `#[get("/")] # async fn`.
    if is_after_attribute(at) || is_punct(before, '#') && is_after_attribute(at - 1) {
        return false;
    }
    let is_attribute = is_punct(token, '#') && next.is_some_and(|next| is_group(next, Delimiter::Bracket));
    let may_start = !(is_punct(before, '#') || is_ident(before, "pub"));
    let is_async = may_start && is_ident(token, "async") && next.is_some_and(|next| is_ident(next, "fn"));
    let is_plain = may_start
        && is_ident(token, "fn")
        && !matches!(before, TokenTree::Ident(_) | TokenTree::Literal(_))
        && matches!(next, Some(TokenTree::Ident(_)));
    is_attribute || is_async || is_plain
}

/// Builds an operation of those parts of `tokens` that can be parsed. Returns `None` if it has no name.
fn repair(tokens: &[TokenTree]) -> Option<TraitItemFn> {
    let (attributes, rest) = attributes(tokens);
    let mark = Ident::new(MARK, Span::call_site());
    let attributes = quote!(#(#attributes)* #[#mark]);
    let complete = rest.iter().cloned().collect::<TokenStream>();
    // Often only the `;` is missing.
    for candidate in [quote!(#attributes #complete), quote!(#attributes #complete;)] {
        if let Ok(method) = syn::parse2(candidate) {
            return Some(method);
        }
    }
    let at = rest.iter().position(|token| is_ident(token, "fn"))?;
    let TokenTree::Ident(name) = rest.get(at + 1)? else { return None };
    let name = syn::parse2::<Ident>(name.to_token_stream()).ok()?;
    let asyncness = rest[..at].iter().find(|token| is_ident(token, "async"));
    let rest = &rest[at + 2..];
    let list = rest.iter().position(|token| is_group(token, Delimiter::Parenthesis));
    let (generics, rest) = rest.split_at(list.unwrap_or(0));
    let generics = parse_all::<Generics>(generics).unwrap_or_default();
    let arguments = match rest.first() {
        Some(TokenTree::Group(list)) if list.delimiter() == Delimiter::Parenthesis => arguments(list),
        _ => quote!((&self)),
    };
    let rest = rest.get(1..).unwrap_or_default();
    let output = (1..=rest.len()).rev().find_map(|end| parse_all::<ReturnType>(&rest[..end]).ok());
    syn::parse2(quote!(#attributes #asyncness fn #name #generics #arguments #output;)).ok()
}

/// Returns the list without the arguments that cannot be parsed.
fn arguments(list: &Group) -> TokenStream {
    let mut arguments = vec![Vec::<TokenTree>::new()];
    let mut depth = 0_usize;
    let mut arrow = false;
    for token in list.stream() {
        let ends = depth == 0 && is_punct(&token, ',');
        if is_punct(&token, '<') {
            depth += 1;
        } else if is_punct(&token, '>') && !arrow {
            depth = depth.saturating_sub(1);
        }
        arrow = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '-' && punct.spacing() == Spacing::Joint);
        if ends {
            arguments.push(Vec::new());
        } else if let Some(argument) = arguments.last_mut() {
            argument.push(token);
        }
    }
    let arguments = arguments.iter().filter_map(|argument| {
        let (attributes, rest) = attributes(argument);
        let rest = rest.iter().cloned().collect::<TokenStream>();
        syn::parse2::<FnArg>(quote!(#(#attributes)* #rest)).ok()
    });
    let mut group = Group::new(Delimiter::Parenthesis, quote!(#(#arguments),*));
    group.set_span(list.span());
    group.to_token_stream()
}

/// Splits `tokens` into the valid attributes at their start, and what follows the attributes.
fn attributes(tokens: &[TokenTree]) -> (Vec<Attribute>, &[TokenTree]) {
    let (mut valid, mut rest) = (Vec::new(), tokens);
    loop {
        match rest {
            [first, list, after @ ..] if is_punct(first, '#') && is_group(list, Delimiter::Bracket) => {
                valid.extend(Attribute::parse_outer.parse2(quote!(#first #list)).into_iter().flatten());
                rest = after;
            }
            [first, after @ ..] if is_punct(first, '#') => rest = after,
            _ => break,
        }
    }
    (valid, rest)
}

/// Reports what is missing, at the token where the parser noticed it.
fn report(error: &syn::Error, what: &str, errors: &mut Errors) {
    let reason = error.to_string();
    let expected = reason.strip_prefix("unexpected end of input, ").unwrap_or(&reason);
    // The parser lists all tokens that may follow.
    let expected = if expected.contains("`dyn`") {
        "expected a type"
    } else if expected.contains("`fn`, `const`") {
        "expected `async fn`"
    } else if expected.contains("curly braces or `;`") {
        "expected `;`"
    } else {
        expected
    };
    errors.at(error.span(), format_args!("{what} is incomplete: {expected}"));
}

/// Parses all of `tokens`. An error at their end has the span of the last token.
fn parse_all<T: Parse>(tokens: &[TokenTree]) -> syn::Result<T> {
    let mut group = Group::new(Delimiter::Brace, tokens.iter().cloned().collect());
    group.set_span(tokens.last().map_or_else(Span::call_site, TokenTree::span));
    let parser = |input: ParseStream<'_>| {
        let content;
        syn::braced!(content in input);
        content.parse()
    };
    parser.parse2(TokenTree::Group(group).into())
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

#[cfg(test)]
mod tests;
