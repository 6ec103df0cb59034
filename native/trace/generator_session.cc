#include "trace/generator_session.h"

namespace rmem {

void Session::BeginTransaction(std::uint16_t type, std::uint32_t entry, std::uint32_t abortChance) {
  const std::uint64_t id = trace_.Begin(thread_, 0, type);
  survivors_.BeginTransaction(thread_, id);
  Push(entry, 1, id, abortChance != 0 && random_.Below(kCertain) < abortChance);
}

void Session::BeginWork(std::uint32_t entry) {
  Push(entry, 1, 0, false);
}

void Session::Push(std::uint32_t entry, std::uint64_t turns, std::uint64_t scope, bool abort) {
  if (scope != 0) {
    scopes_.push_back(frames_.size());
    scope_ = scope;
  }
  frames_.push_back({entry, turns, temporaries_.size(), pending_.size(), scope, 0, abort});
  at_ = entry;
}

std::uint64_t Session::Run(int budget, const PhaseProgram& phase) {
  for (; budget > 0 && !idle(); --budget) {
    const Step& step = program_.code[at_];
    switch (step.code) {
      case StepCode::kAlloc:
        if (unmade_ == 0 && (unmade_ = Of(step.b, phase).Sample(random_)) == 0) {
          ++at_;
          break;
        }
        Alloc(step, Of(step.a, phase).Sample(random_));
        if (--unmade_ == 0) ++at_;
        break;
      case StepCode::kFree:
        ++at_;
        FreeTemporaries(step, Of(step.a, phase).Sample(random_));
        break;
      case StepCode::kGrow:
        ++at_;
        if (temporaries_.empty()) break;
        temporaries_.back() =
            trace_.Realloc(thread_, step, temporaries_.back(), Of(step.a, phase).Sample(random_), scope_);
        break;
      case StepCode::kRepeat: {
        const std::uint64_t turns = Of(step.a, phase).Sample(random_);
        if (turns == 0) {
          at_ = step.b;
        } else {
          Push(at_ + 1, turns, 0, false);
        }
        break;
      }
      case StepCode::kSavepoint:
        Push(at_ + 1, 1, trace_.Begin(thread_, scope_, step.name), random_.Below(kCertain) < step.a);
        break;
      case StepCode::kChance:
        at_ = random_.Below(kCertain) < step.a ? at_ + 1 : step.b;
        break;
      case StepCode::kPick:
        at_ = program_.jumps[step.b + Of(step.a, phase).Sample(random_)];
        break;
      case StepCode::kJump:
        at_ = step.b;
        break;
      case StepCode::kThink:
        ++at_;
        return Of(step.a, phase).Sample(random_);
      case StepCode::kDrop:
        ++at_;
        survivors_.Drop(thread_, step.b, Of(step.a, phase).Sample(random_));
        break;
      case StepCode::kCollect:
        ++at_;
        survivors_.CollectAll(thread_, step.b);
        break;
      case StepCode::kClose:
        Close();
        break;
      case StepCode::kEnd:
        End();
        break;
    }
  }
  return 0;
}

void Session::Alloc(const Step& step, std::uint64_t bytes) {
  const auto lifetime = static_cast<Lifetime>(step.c);
  const std::uint8_t flags = lifetime == Lifetime::kScope ? step.flags | kFlagDiesWithScope : step.flags;
  const GeneratedBlock block = trace_.Alloc(thread_, step, bytes, scope_, flags);
  switch (lifetime) {
    case Lifetime::kScope:
      frames_[scopes_.back()].scopeBytes += bytes;
      break;
    case Lifetime::kFrame:
      temporaries_.push_back(block);
      break;
    case Lifetime::kPopulation:
      if (scope_ == 0) {
        survivors_.Join(thread_, block, step.d);
      } else {
        pending_.push_back({block, step.d});
      }
      break;
  }
}

void Session::FreeTemporaries(const Step& step, std::uint64_t count) {
  // Only what this list of steps made: what is below belongs to lists around it, which count on it.
  const std::size_t base = frames_.back().temporaries;
  for (; count > 0 && temporaries_.size() > base; --count) {
    std::size_t index = temporaries_.size() - 1;
    if (static_cast<FreeOrder>(step.b) == FreeOrder::kOldest) {
      index = base;
    } else if (static_cast<FreeOrder>(step.b) == FreeOrder::kAny) {
      index = base + random_.Below(static_cast<std::uint32_t>(temporaries_.size() - base));
    }
    trace_.Free(thread_, temporaries_[index]);
    temporaries_.erase(temporaries_.begin() + static_cast<std::ptrdiff_t>(index));
  }
}

void Session::FreeTemporariesDownTo(std::size_t count) {
  for (; temporaries_.size() > count; temporaries_.pop_back()) trace_.Free(thread_, temporaries_.back());
}

void Session::Close() {
  Frame& frame = frames_.back();
  FreeTemporariesDownTo(frame.temporaries);
  if (--frame.left > 0) {
    at_ = frame.entry;
    return;
  }
  ++at_;
  if (frame.scope != 0) EndScope();
  frames_.pop_back();
}

/** Of the innermost frame, a savepoint. */
void Session::EndScope() {
  const Frame& frame = frames_.back();
  scopes_.pop_back();
  Frame& parent = frames_[scopes_.back()];
  if (frame.abort) {
    for (; pending_.size() > frame.pending; pending_.pop_back()) trace_.Free(thread_, pending_.back().block);
    trace_.End(thread_, EventType::kAbort, frame.scope, 0, frame.scopeBytes);
  } else {
    trace_.End(thread_, EventType::kCommit, frame.scope, kFlagInherit, 0);
    parent.scopeBytes += frame.scopeBytes;
  }
  scope_ = parent.scope;
}

void Session::End() {
  const Frame& frame = frames_.front();
  FreeTemporariesDownTo(0);
  if (frame.scope != 0) {
    if (frame.abort) {
      for (; !pending_.empty(); pending_.pop_back()) trace_.Free(thread_, pending_.back().block);
    }
    trace_.End(thread_, frame.abort ? EventType::kAbort : EventType::kCommit, frame.scope, 0,
               frame.scopeBytes);
    survivors_.EndTransaction(thread_);
    for (const Pending& each : pending_) survivors_.Join(thread_, each.block, each.population);
    pending_.clear();
  }
  scopes_.clear();
  scope_ = 0;
  frames_.clear();
}

}  // namespace rmem
