-- wrk: one prepared request, sent over and over. The environment says which.
--   BENCH_METHOD, BENCH_TOKEN, BENCH_CONTENT_TYPE, BENCH_BODY_FILE; all optional.
wrk.method = os.getenv("BENCH_METHOD") or "GET"
local token = os.getenv("BENCH_TOKEN")
if token and token ~= "" then wrk.headers["Authorization"] = "Bearer " .. token end
local kind = os.getenv("BENCH_CONTENT_TYPE")
if kind and kind ~= "" then wrk.headers["Content-Type"] = kind end
local path = os.getenv("BENCH_BODY_FILE")
if path and path ~= "" then
  local file = assert(io.open(path, "rb"))
  wrk.body = file:read("*a")
  file:close()
end

-- One machine-readable line after wrk's own words.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"not_2xx":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
