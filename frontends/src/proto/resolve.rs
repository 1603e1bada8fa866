//! The pass that links: descriptors in, a [`Model`] out.

mod services;

use std::collections::{HashMap, HashSet};

use witwire_ir::wire::proto::Scalar;

use crate::{Code, Extensions, Location, Options};

use super::descriptor::{
    BEHAVIOR_REQUIRED, DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};
use super::docs::SourceInfo;
use super::features::{self, Dialect, Features, Presence, UnknownDialect};
use super::findings::Findings;
use super::load::Sources;
use super::model::{Cardinality, Element, Enum, EnumValue, Field, Home, Kind, Message, MessageId, Model, Oneof};

/// Links all files. `None` where they contradict themselves; the findings then have an error.
pub(super) fn resolve(sources: &Sources, options: &Options, findings: &mut Findings) -> Option<Model> {
    let mut linker = Linker {
        model: Model::default(),
        names: HashMap::new(),
        pending: Vec::new(),
        extensions: Vec::new(),
        extension_fields: options.extensions == Extensions::Fields,
        message_sets: HashSet::new(),
        findings,
    };
    let infos: Vec<_> = sources.set.file.iter().map(|f| SourceInfo::new(f.source_code_info.as_ref())).collect();
    let mut dialects = Vec::new();
    for (file, info) in sources.set.file.iter().zip(&infos) {
        let scope = File {
            descriptor: file,
            info,
            location: sources.location(file.name()),
            in_root: sources.roots.iter().any(|r| r == file.name()),
        };
        match features::dialect(file) {
            Ok((dialect, features)) => {
                let features = features.with(file.options.as_ref().and_then(|o| o.features.as_ref()));
                linker.declare_file(&scope, dialect, features);
                dialects.push((scope, dialect, features));
            }
            Err(UnknownDialect::Syntax(syntax)) => {
                linker.findings.error(Code::BadDescriptorSet, scope.location, format!("has the unknown syntax `{syntax}`"));
            }
            Err(UnknownDialect::Edition(edition)) => {
                linker.findings.error(
                    Code::UnsupportedEdition,
                    scope.location,
                    format!("needs edition {edition}; known are 2023 and 2024"),
                );
            }
        }
    }
    linker.link_extensions();
    linker.link_fields();
    for (scope, ..) in &dialects {
        linker.services(scope);
    }
    linker.check_services(sources);
    let Linker { model, findings, .. } = linker;
    (!findings.has_errors()).then_some(model)
}

/// A file on its way.
struct File<'a> {
    descriptor: &'a FileDescriptorProto,
    info: &'a SourceInfo<'a>,
    location: Location,
    in_root: bool,
}

impl File<'_> {
    fn element(&self, full_name: &str, path: &[i32], deprecated: Option<bool>) -> Element {
        Element {
            full_name: full_name.to_owned(),
            at: self.at(full_name, path),
            docs: self.info.comment(path),
            deprecated: deprecated.unwrap_or_default(),
        }
    }

    fn at(&self, full_name: &str, path: &[i32]) -> Location {
        let (line, column) = self.info.position(path);
        Location { line, column, pointer: full_name.to_owned(), ..self.location.clone() }
    }

    fn home(&self, path: &[String]) -> Home {
        Home { package: self.descriptor.package().to_owned(), path: path.to_vec(), in_root: self.in_root }
    }
}

/// A field that waits until all names are known.
struct PendingField<'a> {
    message: MessageId,
    descriptor: &'a FieldDescriptorProto,
    element: Element,
    dialect: Dialect,
    features: Features,
    /// Descriptor index of a real oneof → index in the message.
    oneof: Option<usize>,
    in_map_entry: bool,
}

/// An extension field: all but the message, which may not be known yet.
struct PendingExtension<'a> {
    descriptor: &'a FieldDescriptorProto,
    element: Element,
    dialect: Dialect,
    features: Features,
}

struct Linker<'a, 'f> {
    model: Model,
    names: HashMap<String, Kind>,
    pending: Vec<PendingField<'a>>,
    /// Extension fields with the full names of the messages that they extend.
    extensions: Vec<(String, PendingExtension<'a>)>,
    /// Whether extension fields become fields.
    extension_fields: bool,
    /// Messages with the message-set wire format.
    message_sets: HashSet<MessageId>,
    findings: &'f mut Findings,
}

/// A message on its way: what its children inherit.
struct Scope<'a, 's> {
    file: &'s File<'a>,
    dialect: Dialect,
    features: Features,
    /// The full name, empty for a file without package.
    full_name: String,
    /// Simple names of the messages around.
    names: Vec<String>,
    /// The path in `FileDescriptorProto`.
    path: Vec<i32>,
}

impl Scope<'_, '_> {
    fn child(&self, name: &str) -> String {
        if self.full_name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.full_name) }
    }

    fn names_with(&self, name: &str) -> Vec<String> {
        let mut names = self.names.clone();
        names.push(name.to_owned());
        names
    }

    fn path_with(&self, field: i32, index: usize) -> Vec<i32> {
        let mut path = self.path.clone();
        path.extend([field, index as i32]);
        path
    }
}

impl<'a> Linker<'a, '_> {
    fn declare_file(&mut self, file: &File<'a>, dialect: Dialect, features: Features) {
        let full_name = file.descriptor.package().to_owned();
        let scope = Scope { file, dialect, features, full_name, names: Vec::new(), path: Vec::new() };
        for (i, message) in file.descriptor.message_type.iter().enumerate() {
            self.message(&scope, message, &scope.path_with(4, i));
        }
        for (i, e) in file.descriptor.enum_type.iter().enumerate() {
            self.enumeration(&scope, e, &scope.path_with(5, i));
        }
        for (i, extension) in file.descriptor.extension.iter().enumerate() {
            self.extension(&scope, extension, &scope.path_with(7, i));
        }
    }

    /// Notes an extension field.
    fn extension(&mut self, scope: &Scope<'a, '_>, extension: &'a FieldDescriptorProto, path: &[i32]) {
        let options = extension.options.as_ref();
        let element = scope.file.element(&scope.child(extension.name()), path, options.and_then(|o| o.deprecated));
        let extendee = extension.extendee.as_deref().unwrap_or_default().trim_start_matches('.').to_owned();
        let features = scope.features.with(options.and_then(|o| o.features.as_ref()));
        let pending = PendingExtension { descriptor: extension, element, dialect: scope.dialect, features };
        self.extensions.push((extendee, pending));
    }

    /// Makes extension fields fields of the messages that they extend, or notes that those are extended.
    fn link_extensions(&mut self) {
        for (extendee, extension) in std::mem::take(&mut self.extensions) {
            let Some(Kind::Message(message)) = self.names.get(&extendee).copied() else { continue };
            let PendingExtension { descriptor, element, dialect, features } = extension;
            // A member of a message set travels otherwise than a field.
            if self.extension_fields && !self.message_sets.contains(&message) {
                let (oneof, in_map_entry) = (None, false);
                self.pending.push(PendingField { message, descriptor, element, dialect, features, oneof, in_map_entry });
            } else {
                self.model.messages[message].extensions.push(descriptor.name().to_owned());
            }
        }
    }

    /// Declares a message and what is nested in it. Nesting is bounded by the decoder (100 levels).
    fn message(&mut self, scope: &Scope<'a, '_>, message: &'a DescriptorProto, path: &[i32]) {
        let full_name = scope.child(message.name());
        let options = message.options.as_ref();
        let element = scope.file.element(&full_name, path, options.and_then(|o| o.deprecated));
        let is_set = options.is_some_and(super::descriptor::MessageOptions::message_set_wire_format);
        if is_set {
            self.findings.warning(
                Code::ProtoDegraded,
                element.at.clone(),
                format!("`{full_name}` has the message-set wire format, whose members are extensions; it is taken as empty"),
            );
        }
        let names = scope.names_with(message.name());
        let map_entry = options.is_some_and(super::descriptor::MessageOptions::map_entry);
        let (oneofs, real) = oneofs(scope, message, &full_name, path);
        let id = self.model.messages.push(Message {
            element,
            home: scope.file.home(&names),
            fields: Vec::new(),
            oneofs,
            rules: options.and_then(|o| o.rules.clone()),
            map_entry,
            extensions: Vec::new(),
        });
        self.message_sets.extend(is_set.then_some(id));
        self.name(&full_name, Kind::Message(id), scope.file);

        let features = scope.features.with(options.and_then(|o| o.features.as_ref()));
        let inner = Scope { file: scope.file, dialect: scope.dialect, features, full_name, names, path: path.to_vec() };
        for (i, field) in message.field.iter().enumerate() {
            let oneof_index = field.oneof_index.and_then(|i| usize::try_from(i).ok());
            let oneof_features =
                oneof_index.and_then(|i| message.oneof_decl.get(i)).and_then(|o| o.options.as_ref()?.features.as_ref());
            let field_options = field.options.as_ref();
            let element = scope.file.element(
                &inner.child(field.name()),
                &inner.path_with(2, i),
                field_options.and_then(|o| o.deprecated),
            );
            self.pending.push(PendingField {
                message: id,
                descriptor: field,
                element,
                dialect: scope.dialect,
                features: features.with(oneof_features).with(field_options.and_then(|o| o.features.as_ref())),
                oneof: oneof_index.and_then(|i| real.get(&i).copied()),
                in_map_entry: map_entry,
            });
        }
        for (i, extension) in message.extension.iter().enumerate() {
            self.extension(&inner, extension, &inner.path_with(6, i));
        }
        for (i, nested) in message.nested_type.iter().enumerate() {
            self.message(&inner, nested, &inner.path_with(3, i));
        }
        for (i, nested) in message.enum_type.iter().enumerate() {
            self.enumeration(&inner, nested, &inner.path_with(4, i));
        }
    }

    fn enumeration(&mut self, scope: &Scope<'a, '_>, e: &EnumDescriptorProto, path: &[i32]) {
        let full_name = scope.child(e.name());
        let options = e.options.as_ref();
        let element = scope.file.element(&full_name, path, options.and_then(|o| o.deprecated));
        let features = scope.features.with(options.and_then(|o| o.features.as_ref()));
        let mut values: Vec<EnumValue> = Vec::new();
        for (i, value) in e.value.iter().enumerate() {
            if values.iter().any(|v| v.number == value.number()) {
                continue;
            }
            let mut path = path.to_vec();
            path.extend([2, i as i32]);
            let deprecated = value.options.as_ref().and_then(|o| o.deprecated);
            values.push(EnumValue {
                element: scope.file.element(&format!("{full_name}.{}", value.name()), &path, deprecated),
                name: value.name().to_owned(),
                number: value.number(),
            });
        }
        if values.is_empty() {
            self.findings.error(Code::BadDescriptorSet, element.at, format!("enum `{full_name}` has no value"));
            return;
        }
        let home = scope.file.home(&scope.names_with(e.name()));
        let id = self.model.enums.push(Enum { element, home, values, closed: !features.open_enum });
        self.name(&full_name, Kind::Enum(id), scope.file);
    }

    fn name(&mut self, full_name: &str, kind: Kind, file: &File<'_>) {
        if self.names.insert(full_name.to_owned(), kind).is_some() {
            self.findings.error(Code::BadDescriptorSet, file.at(full_name, &[]), format!("`{full_name}` is declared twice"));
        }
    }

    /// Gives messages their fields, in number order.
    fn link_fields(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Some(field) = self.field(&pending) {
                self.model.messages[pending.message].fields.push(field);
            }
        }
        for (_, message) in self.model.messages.iter_mut() {
            message.fields.sort_by_key(|f| f.number);
            let twice = message.fields.windows(2).find(|pair| pair[0].number == pair[1].number);
            if let Some([first, second]) = twice {
                let what = format!("fields `{}` and `{}` have the number {}", first.name, second.name, first.number);
                self.findings.error(Code::BadDescriptorSet, second.element.at.clone(), what);
            }
        }
    }

    fn field(&mut self, pending: &PendingField<'_>) -> Option<Field> {
        let PendingField { descriptor, element, dialect, features, .. } = pending;
        let bad = |findings: &mut Findings, what: String| {
            findings.error(Code::BadDescriptorSet, element.at.clone(), what);
        };
        let number = descriptor.number();
        if !(1..1 << 29).contains(&number) {
            bad(self.findings, format!("field `{}` has the number {number}, which is none", element.full_name));
            return None;
        }
        let Some(kind) = self.kind(descriptor, features.utf8) else {
            let ty = descriptor.type_name.as_deref().unwrap_or("no type");
            bad(self.findings, format!("field `{}` has the type `{ty}`, which is unknown", element.full_name));
            return None;
        };
        let is_message = matches!(kind, Kind::Message(_));
        let is_map = matches!(kind, Kind::Message(m) if self.model.messages[m].map_entry);
        let cardinality = match descriptor.label {
            Some(3) if is_map => Cardinality::Map,
            Some(3) => Cardinality::Repeated { packed: packed(descriptor, *dialect, *features, kind) },
            Some(2) => Cardinality::Required,
            _ if *dialect == Dialect::Editions && features.presence == Presence::Required && pending.oneof.is_none() => {
                Cardinality::Required
            }
            _ if is_message || descriptor.oneof_index.is_some() || descriptor.proto3_optional() => Cardinality::Explicit,
            // An extension field always tells whether it is there.
            _ if features.presence == Presence::Implicit && descriptor.extendee.is_none() => Cardinality::Implicit,
            _ => Cardinality::Explicit,
        };
        // A map's entries and their values are length-delimited, whatever they inherit.
        let delimited = *dialect == Dialect::Editions && features.delimited && !is_map && !pending.in_map_entry;
        Some(Field {
            element: element.clone(),
            name: descriptor.name().to_owned(),
            number: number as u32,
            kind,
            cardinality,
            group: is_message && (delimited || descriptor.r#type == Some(10)),
            oneof: pending.oneof,
            behavior_required: descriptor.options.as_ref().is_some_and(|o| o.field_behavior.contains(&BEHAVIOR_REQUIRED)),
            rules: descriptor.options.as_ref().and_then(|o| o.rules.clone()),
            json_name: descriptor.json_name.clone().filter(|name| *name != json_name(descriptor.name())),
            default: descriptor.default_value.clone(),
        })
    }

    fn kind(&self, field: &FieldDescriptorProto, utf8: bool) -> Option<Kind> {
        let scalar = match field.r#type {
            Some(1) => Scalar::Double,
            Some(2) => Scalar::Float,
            Some(3) => Scalar::Int64,
            Some(4) => Scalar::Uint64,
            Some(5) => Scalar::Int32,
            Some(6) => Scalar::Fixed64,
            Some(7) => Scalar::Fixed32,
            Some(8) => Scalar::Bool,
            Some(9) if utf8 => Scalar::String,
            Some(9) => Scalar::StringUnverified,
            Some(12) => Scalar::Bytes,
            Some(13) => Scalar::Uint32,
            Some(15) => Scalar::Sfixed32,
            Some(16) => Scalar::Sfixed64,
            Some(17) => Scalar::Sint32,
            Some(18) => Scalar::Sint64,
            _ => return self.names.get(field.type_name.as_deref()?.trim_start_matches('.')).copied(),
        };
        Some(Kind::Scalar(scalar))
    }
}

/// The real oneofs of a message, and where each descriptor index is among them. One that exists only for proto3 `optional` is not.
fn oneofs(
    scope: &Scope<'_, '_>,
    message: &DescriptorProto,
    full_name: &str,
    path: &[i32],
) -> (Vec<Oneof>, HashMap<usize, usize>) {
    let mut real = HashMap::new();
    let mut elements = Vec::new();
    for (i, oneof) in message.oneof_decl.iter().enumerate() {
        let of = |f: &&FieldDescriptorProto| f.oneof_index == Some(i as i32) && !f.proto3_optional();
        if message.field.iter().any(|f| of(&f)) {
            real.insert(i, elements.len());
            let mut path = path.to_vec();
            path.extend([8, i as i32]);
            let element = scope.file.element(&format!("{full_name}.{}", oneof.name()), &path, None);
            elements.push(Oneof { element, rules: oneof.options.as_ref().and_then(|o| o.rules.clone()) });
        }
    }
    (elements, real)
}

/// The JSON name that follows from a field's name (proto3 "JSON Mapping").
fn json_name(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c => {
                out.push(if upper { c.to_ascii_uppercase() } else { c });
                upper = false;
            }
        }
    }
    out
}

/// Whether a repeated field is written packed.
fn packed(field: &FieldDescriptorProto, dialect: Dialect, features: Features, kind: Kind) -> bool {
    let packable = match kind {
        Kind::Scalar(scalar) => scalar.packable(),
        Kind::Enum(_) => true,
        Kind::Message(_) => false,
    };
    let option = field.options.as_ref().and_then(|o| o.packed).filter(|_| dialect != Dialect::Editions);
    packable && option.unwrap_or(features.packed)
}
