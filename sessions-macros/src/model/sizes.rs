//! Types without a known size in signatures, such as `str` for `&str`, and `dyn Trait`.
//!
//! The compiler reports them in all generated items that have the type. Each is reported once, and replaced with what
//! was probably meant, so that the trait can keep the method.

use crate::errors::Errors;
use quote::ToTokens;
use syn::{GenericArgument, Path, PathArguments, Type, parse_quote};

/// Standard types whose type parameters must have a known size. Others, such as `Box`, can own a `str`.
const CONTAINERS: [&str; 12] = [
    "Option",
    "Vec",
    "VecDeque",
    "Result",
    "HashMap",
    "BTreeMap",
    "HashSet",
    "BTreeSet",
    "LinkedList",
    "BinaryHeap",
    "Reverse",
    "Wrapping",
];

/// Position of a type in a signature.
#[derive(Clone, Copy)]
enum Position {
    /// The argument itself, or the value of an `Option` that is an argument.
    Argument,
    /// The target of a reference or of a pointer such as `Box`.
    Target,
    /// Part of another type, or of the return type.
    Part,
}

/// Reports and replaces types without a known size in the type of an argument. Returns whether all types have one.
pub(super) fn check_argument(ty: &mut Type, errors: &mut Errors) -> bool {
    let before = errors.count();
    fix(ty, Position::Argument, errors);
    errors.count() == before
}

/// Reports and replaces types without a known size in a return type. Returns whether all types have one.
pub(super) fn check_output(ty: &mut Type, errors: &mut Errors) -> bool {
    let before = errors.count();
    fix(ty, Position::Part, errors);
    errors.count() == before
}

fn fix(ty: &mut Type, position: Position, errors: &mut Errors) {
    match ty {
        Type::Reference(reference) => fix(&mut reference.elem, Position::Target, errors),
        Type::Path(path) => {
            if !path.path.is_ident("str") {
                fix_arguments(&mut path.path, position, errors);
                return;
            }
            match position {
                Position::Argument => *ty = report(ty, "passed by value", parse_quote!(&#ty), errors),
                Position::Part => *ty = report(ty, "owned", parse_quote!(String), errors),
                Position::Target => {}
            }
        }
        Type::Slice(slice) => {
            let before = errors.count();
            fix(&mut slice.elem, Position::Part, errors);
            if errors.count() > before {
                return;
            }
            let element = slice.elem.clone();
            match position {
                Position::Argument => *ty = report(ty, "passed by value", parse_quote!(&#ty), errors),
                Position::Part => *ty = report(ty, "owned", parse_quote!(Vec<#element>), errors),
                Position::Target => {}
            }
        }
        Type::TraitObject(_) => {
            errors.on(
                &*ty,
                format_args!(
                    "`{}` cannot be decoded: write a concrete type, or declare a type parameter on the trait",
                    in_words(ty)
                ),
            );
            if !matches!(position, Position::Target) {
                *ty = parse_quote!(::std::boxed::Box<#ty>);
            }
        }
        Type::Array(array) => fix(&mut array.elem, Position::Part, errors),
        Type::Tuple(tuple) => {
            for element in &mut tuple.elems {
                fix(element, Position::Part, errors);
            }
        }
        _ => {}
    }
}

fn fix_arguments(path: &mut Path, position: Position, errors: &mut Errors) {
    let Some(last) = path.segments.last_mut() else { return };
    let name = last.ident.to_string();
    let inner = match position {
        Position::Argument if name == "Option" => Position::Argument,
        // An alias of `Result` has any name that ends in it.
        _ if CONTAINERS.contains(&name.as_str()) || name.ends_with("Result") => Position::Part,
        _ => Position::Target,
    };
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return };
    for argument in &mut arguments.args {
        if let GenericArgument::Type(ty) = argument {
            fix(ty, inner, errors);
        }
    }
}

/// Reports `ty` and returns what it should be.
fn report(ty: &Type, verb: &str, instead: Type, errors: &mut Errors) -> Type {
    errors.on(ty, format_args!("`{}` cannot be {verb}: write `{}`", in_words(ty), in_words(&instead)));
    instead
}

/// Returns the source of a type without the spaces between tokens.
fn in_words(ty: &Type) -> String {
    let mut source = ty.to_token_stream().to_string();
    for (spaced, plain) in [(" :: ", "::"), (" < ", "<"), (" >", ">"), ("& ", "&"), (" ,", ","), ("< ", "<")]
    {
        source = source.replace(spaced, plain);
    }
    source
}
