//! The WIT text of a package, printed from the data that the interpreter executes.

mod docs;
mod reference;
mod uses;

use std::fmt::{self, Write};

pub use reference::TypeRef;
pub(crate) use uses::mentioned;

use crate::api::{Api, Interface, World};
use crate::id::{InterfaceId, TextId, TypeId};
use crate::operation::Operation;
use crate::types::{CallPart, CallResource, Param, Resource, Shape};

/// The package as WIT text.
///
/// Everything stands in the order that the [`Api`] gives; `use` lines are derived from what an interface mentions. Documentation
/// is printed where [`Api::texts`] is loaded. The result is WIT that parses for every API that passes [`Api::check`]; without
/// that check ids out of range panic.
pub fn print_package(api: &Api) -> String {
    print_package_with(api, PrintOptions::default())
}

/// What [`print_package_with`] prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrintOptions {
    /// Whether documentation is printed.
    pub docs: bool,
}

impl Default for PrintOptions {
    fn default() -> Self {
        Self { docs: true }
    }
}

/// As [`print_package`], with options.
pub fn print_package_with(api: &Api, options: PrintOptions) -> String {
    let mut out = Printer { api, options, text: String::new() };
    // Writing to a `String` cannot fail.
    let _ = out.package();
    out.text
}

struct Printer<'a> {
    api: &'a Api,
    options: PrintOptions,
    text: String,
}

/// One step of indentation.
const INDENT: &str = "    ";

impl Printer<'_> {
    fn package(&mut self) -> fmt::Result {
        self.docs("", self.api.docs)?;
        writeln!(self.text, "package {};", self.api.package)?;
        for (id, interface) in self.api.interfaces.iter() {
            self.interface(id, interface)?;
        }
        for world in &self.api.worlds {
            self.world(world)?;
        }
        Ok(())
    }

    fn interface(&mut self, id: InterfaceId, interface: &Interface) -> fmt::Result {
        self.text.push('\n');
        self.docs("", interface.docs)?;
        writeln!(self.text, "interface {} {{", interface.name)?;
        let uses = uses::lines(self.api, id);
        for line in &uses {
            writeln!(self.text, "{INDENT}{line}")?;
        }
        let mut first = uses.is_empty();
        let mut after_alias = false;
        for &ty in &interface.types {
            let shape = &self.api.types[ty].shape;
            let alias = matches!(shape, Shape::Alias(_)) || !shape.needs_name();
            if !(first || alias && after_alias) {
                self.text.push('\n');
            }
            first = false;
            after_alias = alias;
            self.declaration(id, ty)?;
        }
        for &operation in &interface.operations {
            if !first {
                self.text.push('\n');
            }
            first = false;
            self.function(id, &self.api.operations[operation])?;
        }
        self.text.push_str("}\n");
        Ok(())
    }

    fn declaration(&mut self, scope: InterfaceId, id: TypeId) -> fmt::Result {
        let api = self.api;
        let ty = &api.types[id];
        self.docs(INDENT, ty.docs)?;
        let Some(name) = ty.name.as_ref().map(|n| &n.name) else { return Ok(()) };
        match &ty.shape {
            Shape::Record(fields) => {
                self.members("record", name, |out| {
                    fields.iter().try_for_each(|f| {
                        out.docs("        ", f.docs)?;
                        writeln!(out.text, "        {}: {},", f.name, TypeRef::new(api, f.ty).in_scope(scope))
                    })
                })?;
            }
            Shape::Variant(cases) => {
                self.members("variant", name, |out| {
                    cases.iter().try_for_each(|c| {
                        out.docs("        ", c.docs)?;
                        match c.ty {
                            Some(ty) => {
                                writeln!(out.text, "        {}({}),", c.name, TypeRef::new(api, ty).in_scope(scope))
                            }
                            None => writeln!(out.text, "        {},", c.name),
                        }
                    })
                })?;
            }
            Shape::Enum(labels) | Shape::Flags(labels) => {
                let keyword = if matches!(ty.shape, Shape::Enum(_)) { "enum" } else { "flags" };
                self.members(keyword, name, |out| {
                    labels.iter().try_for_each(|l| {
                        out.docs("        ", l.docs)?;
                        writeln!(out.text, "        {},", l.name)
                    })
                })?;
            }
            Shape::Resource(resource) => {
                self.members("resource", name, |out| out.methods(scope, resource))?;
            }
            Shape::Call(call) => {
                self.members("resource", name, |out| out.call_methods(scope, call))?;
            }
            Shape::Alias(target) => {
                writeln!(self.text, "{INDENT}type {name} = {};", TypeRef::new(api, *target).in_scope(scope))?;
            }
            shape => {
                writeln!(self.text, "{INDENT}type {name} = {};", reference::Inline { api, scope: Some(scope), shape })?;
            }
        }
        Ok(())
    }

    fn members(
        &mut self,
        keyword: &str,
        name: impl fmt::Display,
        body: impl FnOnce(&mut Self) -> fmt::Result,
    ) -> fmt::Result {
        writeln!(self.text, "{INDENT}{keyword} {name} {{")?;
        body(self)?;
        writeln!(self.text, "{INDENT}}}")
    }

    fn methods(&mut self, scope: InterfaceId, resource: &Resource) -> fmt::Result {
        resource.methods.iter().try_for_each(|method| {
            self.docs("        ", method.docs)?;
            write!(self.text, "        {}: ", method.step.name())?;
            self.signature(scope, &method.params, method.result)
        })
    }

    fn call_methods(&mut self, scope: InterfaceId, call: &CallResource) -> fmt::Result {
        call.methods.iter().try_for_each(|method| {
            self.docs("        ", method.docs)?;
            if method.part == CallPart::New {
                return writeln!(self.text, "        constructor();");
            }
            write!(self.text, "        {}: ", method.part.name())?;
            self.signature(scope, &method.params, method.result)
        })
    }

    fn function(&mut self, scope: InterfaceId, operation: &Operation) -> fmt::Result {
        self.docs(INDENT, operation.docs)?;
        if operation.deprecated && self.options.docs {
            if self.api.text(operation.docs).is_some_and(|d| !d.trim().is_empty()) {
                writeln!(self.text, "{INDENT}///")?;
            }
            writeln!(self.text, "{INDENT}/// Deprecated.")?;
        }
        write!(self.text, "{INDENT}{}: ", operation.name)?;
        self.signature(scope, &operation.params, Some(operation.result))
    }

    fn signature(&mut self, scope: InterfaceId, params: &[Param], result: Option<TypeId>) -> fmt::Result {
        self.text.push_str("func(");
        for (i, param) in params.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(self.text, "{comma}{}: {}", param.name, TypeRef::new(self.api, param.ty).in_scope(scope))?;
        }
        self.text.push(')');
        if let Some(result) = result {
            write!(self.text, " -> {}", TypeRef::new(self.api, result).in_scope(scope))?;
        }
        self.text.push_str(";\n");
        Ok(())
    }

    fn world(&mut self, world: &World) -> fmt::Result {
        writeln!(self.text, "\nworld {} {{", world.name)?;
        for &import in &world.imports {
            writeln!(self.text, "{INDENT}import {};", self.api.interfaces[import].name)?;
        }
        self.text.push_str("}\n");
        Ok(())
    }

    fn docs(&mut self, indent: &str, text: Option<TextId>) -> fmt::Result {
        let text = text.filter(|_| self.options.docs);
        self.api.text(text).map_or(Ok(()), |text| docs::write(&mut self.text, indent, text))
    }
}
