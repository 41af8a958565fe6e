//! Columns of dates as nodes of a graph.

use std::f64::consts::TAU;

use super::Graph;
use crate::data::dates::{THURSDAY, YEAR};
use crate::data::{Calendar, InputColumn, InputKind};
use crate::exchange::ElementType;

impl Graph {
    /// What dates become, which come in as seconds since 1970: as [`Calendar::parts`] has it, in double precision.
    pub(super) fn dates(&mut self, column: &InputColumn, calendar: Calendar) -> String {
        let double = ElementType::Double;
        self.builder.input(&column.name, ElementType::Int64, 1);
        let seconds = self.builder.cast(&column.name, double);
        // The least integer is numpy's NaT.
        let bound = self.builder.numbers("wgrad/no_date", double, &[], &[-9e18]);
        let is_missing = self.builder.node("Less", &[&seconds, &bound], &[]);
        let day = self.builder.numbers("wgrad/day", double, &[], &[86_400.0]);
        let mut days = self.builder.node("Div", &[&seconds, &day], &[]);
        let whole = self.builder.node("Floor", &[&days], &[]);
        if !calendar.time_of_day {
            days = whole;
        }
        let stand_in = if let InputKind::Number { missing: Some(missing), .. } = column.kind { missing } else { f64::NAN };
        let stand_in = self.builder.numbers("wgrad/missing", double, &[], &[stand_in]);
        let days = self.builder.node("Where", &[&is_missing, &stand_in, &days], &[]);
        let scaled = self.scaled(days.clone(), double, std::slice::from_ref(column));
        let mut parts = vec![scaled];
        parts.extend(self.circle(&days, YEAR));
        parts.push(self.weekday(&days));
        if calendar.time_of_day {
            parts.extend(self.circle(&days, 1.0));
        }
        self.builder.joined(&parts)
    }

    /// The sine and cosine of where days are in a cycle of so many.
    fn circle(&mut self, days: &str, length: f64) -> [String; 2] {
        let double = ElementType::Double;
        let length = self.builder.numbers("wgrad/cycle", double, &[], &[length]);
        let share = self.builder.node("Div", &[days, &length], &[]);
        let whole = self.builder.node("Floor", &[&share], &[]);
        let share = self.builder.node("Sub", &[&share, &whole], &[]);
        let turn = self.builder.numbers("wgrad/turn", double, &[], &[TAU]);
        let angle = self.builder.node("Mul", &[&share, &turn], &[]);
        let quarter = self.builder.numbers("wgrad/quarter", double, &[], &[TAU / 4.0]);
        // Some versions of onnxruntime have the cosine in floats only.
        let ahead = self.builder.node("Add", &[&angle, &quarter], &[]);
        [angle, ahead].map(|angle| {
            let sine = self.builder.node("Sin", &[&angle], &[]);
            self.builder.in_type(sine, double, self.builder.own)
        })
    }

    /// 1 for the day of the week, 0 for the others, from Monday on.
    fn weekday(&mut self, days: &str) -> String {
        let double = ElementType::Double;
        let whole = self.builder.node("Floor", &[days], &[]);
        let after = self.builder.numbers("wgrad/thursday", double, &[], &[THURSDAY]);
        let after = self.builder.node("Add", &[&whole, &after], &[]);
        let seven = self.builder.numbers("wgrad/week", double, &[], &[7.0]);
        let weeks = self.builder.node("Div", &[&after, &seven], &[]);
        let weeks = self.builder.node("Floor", &[&weeks], &[]);
        let weeks = self.builder.node("Mul", &[&weeks, &seven], &[]);
        let weekday = self.builder.node("Sub", &[&after, &weeks], &[]);
        let all: Vec<f64> = (0..7).map(f64::from).collect();
        let all = self.builder.numbers("wgrad/weekdays", double, &[1, 7], &all);
        let is_day = self.builder.node("Equal", &[&weekday, &all], &[]);
        self.builder.cast(&is_day, self.builder.own)
    }
}
