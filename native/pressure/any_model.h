#pragma once

#include <new>

#include "pressure/adaptive_model.h"
#include "pressure/classic_models.h"
#include "pressure/model.h"

namespace rmem {

/**
 * A model of a kind that is known when it begins, in place. Neither std::variant nor virtual functions: both
 * need the C++ library, which a C program that links the forecaster has not.
 */
class AnyModel {
  template <class Self, class Call>
  static auto Visit(Self& self, const Call& call) {
    switch (self.kind_) {
      case ModelKind::kPersistence:
        return call(self.persistence_);
      case ModelKind::kLinear:
        return call(self.linear_);
      case ModelKind::kHolt:
        return call(self.holt_);
      case ModelKind::kTheilSen:
        return call(self.theilSen_);
      default:
        return call(self.adaptive_);
    }
  }

 public:
  explicit AnyModel(ModelKind kind) : kind_(kind) {
    switch (kind) {
      case ModelKind::kAdaptive:
        new (&adaptive_) AdaptiveModel;
        break;
      case ModelKind::kPersistence:
        new (&persistence_) PersistenceModel;
        break;
      case ModelKind::kLinear:
        new (&linear_) LinearModel;
        break;
      case ModelKind::kHolt:
        new (&holt_) HoltModel;
        break;
      case ModelKind::kTheilSen:
        new (&theilSen_) TheilSenModel;
        break;
    }
  }

  void Tick(const TickView& view) {
    Visit(*this, [&view](Model auto& model) { model.Tick(view); });
  }
  void Restart() {
    Visit(*this, [](Model auto& model) { model.Restart(); });
  }
  void Change() {
    Visit(*this, [](Model auto& model) { model.Change(); });
  }
  double Move(int horizon) const {
    return Visit(*this, [horizon](const auto& model) { return model.Move(horizon); });
  }

 private:
  const ModelKind kind_;
  union {
    AdaptiveModel adaptive_;
    PersistenceModel persistence_;
    LinearModel linear_;
    HoltModel holt_;
    TheilSenModel theilSen_;
  };
};

}  // namespace rmem
