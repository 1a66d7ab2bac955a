// Writes valid modules that wasm-smith generates from random bytes: `<first seed> <count> <file>`.
// The file contains the length and bytes of each module, in the order of their seeds.
use arbitrary::Unstructured;
use std::io::Write;
use wasm_smith::{Config, InstructionKind, InstructionKinds, Module};

const BYTES: usize = 16_384;
/// The number of loop iterations and calls after which a module traps, so that it terminates.
const FUEL: u32 = 1_000;

fn config(seed: u64) -> Config {
    Config {
        allow_start_export: seed % 4 == 0,
        // No table instructions: instances of modules that write tables are never restored.
        allowed_instructions: InstructionKinds::new(&[
            InstructionKind::Numeric,
            InstructionKind::Parametric,
            InstructionKind::Variable,
            InstructionKind::Memory,
            InstructionKind::Control,
        ]),
        // Dropped segments, and globals that hold references, are not restored either.
        bulk_memory_enabled: seed % 2 == 0,
        reference_types_enabled: false,
        min_types: 3,
        canonicalize_nans: true,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        compact_imports_enabled: false,
        max_imports: 0,
        max_memory32_bytes: 64 << 16,
        memory_max_size_required: seed % 3 == 0,
        memory64_enabled: false,
        min_data_segments: 2,
        min_funcs: 4,
        min_globals: 2,
        min_memories: 1,
        max_tags: 0,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        extended_const_enabled: false,
        tail_call_enabled: false,
        ..Config::default()
    }
}

fn module(seed: u64) -> Option<Vec<u8>> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = [0u8; BYTES];
    for byte in bytes.iter_mut() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
    let mut module = Module::new(config(seed), &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(FUEL).ok()?;
    Some(module.to_bytes())
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [first, count] = [1, 2].map(|at| args[at].parse::<u64>().expect("a number"));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&args[3])?);
    for seed in first..first + count {
        let bytes = module(seed).unwrap_or_default();
        out.write_all(&(bytes.len() as u32).to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    out.flush()
}
