-- wrk: requests of many clients in turn. BENCH_TOKENS is a file with one token a line. With BENCH_IDS, a file with one
-- deployment id a line, each is read; without it, BENCH_BODY_FILE is posted under an Idempotency-Key that is new each time.
dofile(os.getenv("BENCH_LUA") .. "/request.lua")

local function lines(path)
  local found = {}
  for line in io.lines(path) do found[#found + 1] = line end
  return found
end

local tokens = lines(os.getenv("BENCH_TOKENS"))
local ids = os.getenv("BENCH_IDS")
local prepared, key = {}, 0
local run = os.getenv("BENCH_RUN")

function init()
  if ids then
    for number, id in ipairs(lines(ids)) do
      local headers = { ["Authorization"] = "Bearer " .. tokens[number % #tokens + 1] }
      prepared[number] = wrk.format("GET", "/v1/deployments/" .. id, headers)
    end
  else
    for number, token in ipairs(tokens) do
      local text = wrk.format("POST", "/v1/builds/upload-capability", {
        ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json", ["Idempotency-Key"] = "@KEY@",
      }, wrk.body)
      local first, last = text:find("@KEY@", 1, true)
      prepared[number] = { text:sub(1, first - 1) .. run, text:sub(last + 1) }
    end
  end
end

function request()
  key = key + 1
  local next = prepared[key % #prepared + 1]
  if ids then return next end
  return next[1] .. key .. next[2]
end
