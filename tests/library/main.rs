//! The library: kernels, plans and shaders against the oracle and against other programs.

#[path = "../common/mod.rs"]
mod common;
mod determinism;
mod gpu;
mod gradients;
mod imports;
mod mutants;
mod optimizers;
mod pandas;
mod replicas;
mod shaders;

fn main() {
    common::run(&[
        ("determinism", determinism::trials),
        ("gpu", gpu::trials),
        ("gradients", gradients::trials),
        ("imports", imports::trials),
        ("mutants", mutants::trials),
        ("optimizers", optimizers::trials),
        ("pandas", pandas::trials),
        ("replicas", replicas::trials),
        ("shaders", shaders::trials),
    ]);
}
