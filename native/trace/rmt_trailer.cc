#include "trace/rmt_trailer.h"

#include "trace/json_text.h"

namespace rmem {
namespace {

// The names stand in the blocks as well; here they are for whoever looks at the end only.
constexpr std::size_t kMaxNamesBytes = 1 << 20;

std::string Names(const NameTable& names) {
  std::string json = "[";
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (json.size() > kMaxNamesBytes) break;
    if (index > 0) json += ',';
    json += JsonString(names[index]);
  }
  return json += ']';
}

std::string Field(const char* key, std::uint64_t value) {
  return JsonString(key).append(":").append(std::to_string(value));
}

std::string Repairs(const std::map<std::string, Repair>& repairs) {
  std::string json = "{";
  for (const auto& [category, repair] : repairs) {
    if (json.size() > 1) json += ',';
    json += JsonString(category);
    json += ":{";
    json += Field("count", repair.count);
    json += repair.dropped ? ",\"dropped\":true,\"first\":[" : ",\"dropped\":false,\"first\":[";
    for (std::size_t i = 0; i < repair.firstPositions.size(); ++i) {
      if (i > 0) json += ',';
      json += std::to_string(repair.firstPositions[i]);
    }
    json += "]}";
  }
  return json += '}';
}

ImportReport Together(const ImportReport& origin, const ImportReport& report) {
  ImportReport sum = origin;
  if (sum.linesRead == 0) sum.linesRead = report.linesRead;
  for (const auto& [category, repair] : report.repairs) {
    Repair& known = sum.repairs[category];
    known.count += repair.count;
    known.dropped = repair.dropped;
    for (std::uint64_t position : repair.firstPositions) {
      if (known.firstPositions.size() < 5) known.firstPositions.push_back(position);
    }
  }
  sum.warnings.insert(sum.warnings.end(), report.warnings.begin(), report.warnings.end());
  return sum;
}

Repair ReadRepair(JsonReader& in) {
  Repair repair;
  std::string key;
  for (in.Enter('{'); in.More(&key);) {
    if (key == "count") {
      repair.count = in.Number();
    } else if (key == "dropped") {
      repair.dropped = in.Bool();
    } else if (key == "first") {
      for (in.Enter('['); in.More();) {
        const std::uint64_t position = in.Number();
        if (repair.firstPositions.size() < 5) repair.firstPositions.push_back(position);
      }
    } else {
      in.Skip();
    }
  }
  return repair;
}

}  // namespace

std::string WriteTrailer(const TraceInfo& info, const CanonicalCounters& counters) {
  const ImportReport report = Together(info.origin, info.report);
  std::string json = "{";
  for (const std::string& member :
       {Field("events", counters.events), Field("blocks", counters.births),
        Field("transactions", counters.begins), Field("threads", counters.threads),
        std::string("\"kinds\":").append(Names(info.names.kinds)),
        std::string("\"transactionTypes\":").append(Names(info.names.transactionTypes)),
        std::string("\"marks\":").append(Names(info.names.marks)), Field("linesRead", report.linesRead),
        std::string("\"repairs\":").append(Repairs(report.repairs))}) {
    json += member;
    json += ',';
  }
  if (!info.callSites.empty()) json.append("\"callSites\":").append(info.callSites.ToJson()).append(",");
  json += "\"warnings\":[";
  for (std::size_t i = 0; i < report.warnings.size(); ++i) {
    if (i > 0) json += ',';
    json += JsonString(report.warnings[i]);
  }
  return json += "]}";
}

std::uint64_t ReadTrailer(std::string_view json, TraceInfo& info) {
  JsonReader in(json);
  std::uint64_t events = 0;
  std::string key;
  for (in.Enter('{'); in.More(&key);) {
    if (key == "events") {
      events = in.Number();
    } else if (key == "linesRead") {
      info.origin.linesRead = in.Number();
    } else if (key == "repairs") {
      for (in.Enter('{'); in.More(&key);) info.origin.repairs[key] = ReadRepair(in);
    } else if (key == "callSites") {
      info.callSites.ReadJson(in);
    } else if (key == "warnings") {
      for (in.Enter('['); in.More();) info.origin.warnings.push_back(in.Text());
    } else {
      in.Skip();
    }
  }
  in.End();
  info.origin.events = events;
  return events;
}

}  // namespace rmem
