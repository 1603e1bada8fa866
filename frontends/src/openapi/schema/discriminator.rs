//! Discriminators that the guest fills: members that are no constants, though their value tells the arm of a union.
//!
//! The member stays, since its record may have other uses. In the union, which values it may have is a rule.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{self, Arm, Json, Object, Rung};
use witwire_ir::{Check, Literal, Part, Shape, Type, TypeId};

use super::Schemas;

/// The rule that an arm's discriminator has one of the values that `mapping` gives it. The place ends at the arm, whose members have no
/// slots yet.
pub(super) fn told(arm: usize, values: &[String]) -> Check {
    let values = values.iter().cloned().map(Literal::String).collect();
    Check::At { place: vec![Part::Case(arm as u32)], check: Box::new(Check::In(values)), unless_zero: false }
}

impl Schemas<'_> {
    /// Completes the rules of [`told`], all arms being lowered; where a member is what it must be anyway, there is no rule.
    pub(super) fn place_discriminators(&mut self) {
        let ids: Vec<TypeId> = self.api.types.ids().collect();
        for id in ids {
            let ty = &self.api.types[id];
            if !ty.checks.iter().any(|check| open_arm(check).is_some()) {
                continue;
            }
            let placed = ty.checks.iter().filter_map(|check| match open_arm(check) {
                Some((arm, values)) => self.placed(ty, arm, values),
                None => Some(check.clone()),
            });
            let checks = placed.collect();
            self.api.types[id].checks = checks;
        }
    }

    fn placed(&self, union: &Type, arm: u32, values: &[Literal]) -> Option<Check> {
        let Wire::Json(Json::Union(union)) = &union.wire else { return None };
        let Some(Rung::Discriminator { key, .. }) = union.ladder.first() else { return None };
        let Arm::Value(ty) = union.arms.get(arm as usize)? else { return None };
        let Type { wire: Wire::Json(Json::Object(Object { members, .. })), shape: Shape::Record(fields), .. } =
            &self.api.types[self.api.resolve(*ty)]
        else {
            return None;
        };
        let slot = members.iter().find(|member| member.key == *key)?.slot;
        let values = self.possible(fields.get(usize::from(slot))?.ty, values)?;
        let place = vec![Part::Case(arm), Part::Slot(slot)];
        Some(Check::At { place, check: Box::new(Check::In(values)), unless_zero: false })
    }

    /// Which of the values a member can have; `None` where it has no others, or none of them.
    fn possible(&self, ty: TypeId, values: &[Literal]) -> Option<Vec<Literal>> {
        let ty = match self.api.shape(ty) {
            Shape::Option(inner) => *inner,
            _ => ty,
        };
        let target = &self.api.types[self.api.resolve(ty)];
        match (&target.wire, &target.shape) {
            (Wire::Plain, Shape::String) => Some(values.to_vec()),
            (Wire::Json(Json::Literals(literals)), shape) => {
                let has = |value: &Literal, literal: &json::Literal| match (value, literal) {
                    (Literal::String(value), json::Literal::String(literal)) => value == literal,
                    _ => false,
                };
                let possible: Vec<Literal> = values.iter().filter(|v| literals.iter().any(|l| has(v, l))).cloned().collect();
                let all = matches!(shape, Shape::Enum(_)) && literals.iter().all(|l| possible.iter().any(|v| has(v, l)));
                (!possible.is_empty() && !all).then_some(possible)
            }
            _ => None,
        }
    }
}

/// The arm and the values of a rule whose place ends at the arm.
fn open_arm(check: &Check) -> Option<(u32, &[Literal])> {
    match check {
        Check::At { place, check, .. } => match (place.as_slice(), &**check) {
            ([Part::Case(arm)], Check::In(values)) => Some((*arm, values)),
            _ => None,
        },
        _ => None,
    }
}
