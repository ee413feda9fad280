//! `.safetensors`, by the crate of its makers: it checks that the header is sound and the tensors cover the bytes.

use super::{Dtype, MAX_TENSOR_BYTES, Tensor, TensorFile, TensorFileKind};
use crate::{Error, Result};
use safetensors::tensor::{Dtype as Stored, SafeTensors, TensorView, serialize};
use std::collections::{BTreeMap, HashMap};

pub(super) fn read(bytes: &[u8]) -> Result<TensorFile> {
    if bytes.len() as u64 > MAX_TENSOR_BYTES {
        let (value, limit) = (bytes.len() as u64, MAX_TENSOR_BYTES);
        return Err(Error::LimitExceeded { what: "bytes of a .safetensors file", value, limit });
    }
    let wrong = |e: safetensors::SafeTensorError| Error::Malformed { what: format!("safetensors: {e}"), at_byte: 0 };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let metadata: BTreeMap<_, _> = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let mut views = file.tensors();
    // The order of the bytes, which is that of the layers.
    views.sort_by_key(|(_, view)| view.data().as_ptr() as usize);
    let tensors = views.into_iter().map(|(name, view)| from_view(name, &view)).collect::<Result<_>>()?;
    Ok(TensorFile { kind: TensorFileKind::Safetensors, tensors, metadata })
}

const TYPES: [(Dtype, Stored); 22] = [
    (Dtype::Bool, Stored::BOOL),
    (Dtype::I8, Stored::I8),
    (Dtype::U8, Stored::U8),
    (Dtype::I16, Stored::I16),
    (Dtype::U16, Stored::U16),
    (Dtype::I32, Stored::I32),
    (Dtype::U32, Stored::U32),
    (Dtype::I64, Stored::I64),
    (Dtype::U64, Stored::U64),
    (Dtype::Fp8E4M3, Stored::F8_E4M3),
    (Dtype::Fp8E5M2, Stored::F8_E5M2),
    (Dtype::F8E8M0, Stored::F8_E8M0),
    (Dtype::Fp8E4M3Fnuz, Stored::F8_E4M3FNUZ),
    (Dtype::Fp8E5M2Fnuz, Stored::F8_E5M2FNUZ),
    (Dtype::Fp4E2M1, Stored::F4),
    (Dtype::Fp6E2M3, Stored::F6_E2M3),
    (Dtype::Fp6E3M2, Stored::F6_E3M2),
    (Dtype::C64, Stored::C64),
    (Dtype::F16, Stored::F16),
    (Dtype::Bf16, Stored::BF16),
    (Dtype::F32, Stored::F32),
    (Dtype::F64, Stored::F64),
];

fn from_view(name: String, view: &TensorView) -> Result<Tensor> {
    let Some((dtype, _)) = TYPES.iter().find(|(_, stored)| *stored == view.dtype()) else {
        let what = format!("tensor '{}' of type {:?}", name.escape_debug(), view.dtype());
        return Err(Error::Unsupported { what });
    };
    Tensor::new(name, *dtype, view.shape().to_vec(), view.data().to_vec())
}

pub(super) fn write(file: &TensorFile) -> Result<Vec<u8>> {
    let wrong = |e: safetensors::SafeTensorError| Error::invalid("tensors", e, "what .safetensors can hold");
    let mut views = Vec::with_capacity(file.tensors.len());
    for tensor in &file.tensors {
        if views.iter().any(|(name, _)| *name == tensor.name()) {
            return Err(Error::invalid("name of a tensor", tensor.name(), "one tensor of each name"));
        }
        let stored = TYPES.iter().find(|(dtype, _)| *dtype == tensor.dtype()).expect("every type is in the table").1;
        views.push((tensor.name(), TensorView::new(stored, tensor.shape().to_vec(), tensor.bytes()).map_err(wrong)?));
    }
    let metadata: Option<HashMap<_, _>> =
        (!file.metadata.is_empty()).then(|| file.metadata.clone().into_iter().collect());
    serialize(views, metadata).map_err(wrong)
}
