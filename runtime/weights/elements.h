// SPDX-License-Identifier: MIT
//
// read_elements copies a stored tensor out of its file, widened to float or double.
// It is not a check: NaNs and infinities pass through; Weights::read refuses them.
// The caller owns the destination. Called by Weights and read_tensors.
#pragma once

#include <span>

#include "runtime/weights/safetensors_header.h"

namespace kintsugi::weights {

/// `out` must have as many elements as the tensor. f64 is rounded when T is float; integers are
/// converted. Error::unsupported for a dtype that is not read here.
template <class T>
void read_elements(const StoredTensor& tensor, std::span<T> out);

extern template void read_elements<float>(const StoredTensor&, std::span<float>);
extern template void read_elements<double>(const StoredTensor&, std::span<double>);

}  // namespace kintsugi::weights
