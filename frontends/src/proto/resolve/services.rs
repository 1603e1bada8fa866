//! Services and their methods.

use super::super::descriptor::{HttpRule, MethodOptions, ServiceDescriptorProto};
use super::super::load::Sources;
use super::super::model::{Idempotency, Kind, Method, Service};
use super::{File, Linker};
use crate::{Code, Location};

impl<'a> Linker<'a, '_> {
    pub(super) fn services(&mut self, file: &File<'a>) {
        if !file.in_root {
            return;
        }
        for (i, service) in file.descriptor.service.iter().enumerate() {
            let package = file.descriptor.package();
            let full_name =
                if package.is_empty() { service.name().to_owned() } else { format!("{package}.{}", service.name()) };
            let methods = self.methods(file, service, &full_name, i as i32);
            let deprecated = service.options.as_ref().and_then(|o| o.deprecated);
            self.model.services.push(Service {
                element: file.element(&full_name, &[6, i as i32], deprecated),
                home: file.home(&[service.name().to_owned()]),
                name: service.name().to_owned(),
                methods,
            });
        }
    }

    fn methods(&mut self, file: &File<'a>, service: &ServiceDescriptorProto, full_name: &str, index: i32) -> Vec<Method> {
        let mut methods = Vec::new();
        for (j, method) in service.method.iter().enumerate() {
            let options = method.options.as_ref();
            let element = file.element(
                &format!("{full_name}.{}", method.name()),
                &[6, index, 2, j as i32],
                options.and_then(|o| o.deprecated),
            );
            let find = |name: &str| match self.names.get(name.trim_start_matches('.')) {
                Some(Kind::Message(id)) => Some(*id),
                _ => None,
            };
            let (Some(input), Some(output)) = (find(method.input_type()), find(method.output_type())) else {
                let what = format!("method `{}` takes or gives an unknown message", element.full_name);
                self.findings.error(Code::BadDescriptorSet, element.at, what);
                continue;
            };
            methods.push(Method {
                element,
                name: method.name().to_owned(),
                path: format!("{full_name}/{}", method.name()),
                input,
                output,
                client_streaming: method.client_streaming(),
                server_streaming: method.server_streaming(),
                idempotency: match options.map(MethodOptions::idempotency_level) {
                    Some(1) => Idempotency::NoSideEffects,
                    Some(2) => Idempotency::Idempotent,
                    _ => Idempotency::Unknown,
                },
                http: options.and_then(|o| o.http.as_ref()).and_then(http),
            });
        }
        methods
    }

    pub(super) fn check_services(&mut self, sources: &Sources) {
        let methods = self.model.services.iter().map(|(_, s)| s.methods.len()).sum::<usize>();
        if methods > 0 || self.findings.has_errors() {
            return;
        }
        let (at, what) = match &sources.roots[..] {
            [one] => (sources.location(one), "the file has no service with a method".to_owned()),
            _ => (Location::default(), "none of the files has a service with a method".to_owned()),
        };
        self.findings
            .error(Code::NoService, at, what)
            .help("give the files that declare services; what they import is found by itself");
    }
}

/// The HTTP form of a method, as `google.api.http` writes it.
fn http(rule: &HttpRule) -> Option<String> {
    let all =
        [("GET", &rule.get), ("PUT", &rule.put), ("POST", &rule.post), ("DELETE", &rule.delete), ("PATCH", &rule.patch)];
    all.into_iter().find_map(|(method, path)| path.as_ref().map(|path| format!("{method} {path}")))
}
