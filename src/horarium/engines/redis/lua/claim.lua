-- Give due messages to an owner: higher priority first, then earlier due, then earlier turn, over all the queues.
-- Parameters: KEYS[1] the namespace; ARGV now, owner, limit, token, digest of the known tasks ("*": all), the channel
--   to be woken on (or ''), the owner as JSON, whether it may have been sent before (0 or 1), number of queues, limits (or
--   ''; msgpack map of task -> {running or -1, rate or -1, burst, bucket}), then each queue's name and its name as JSON,
--   then, when they were asked for, the known tasks (msgpack list)
-- Result: {'lost'} for an owner that is not alive; {'tasks'} when the digest is not known here; else {'ok', ids past
--   their expires, ids taken whose record cannot be read, whether there may be more behind those that stood aside (0 or 1),
--   and of each delivery: message, fence, attempt, crashes}
-- State: waiting -> in hand, RECEIVED; attempt and fence one higher; or it stands aside for its slot
-- Safe: a script runs alone. Sent twice under one token, it answers the second time with what the first one took; one that
--   arrives after a later one of its owner takes nothing
local K, now, owner, limit, token, digest = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local ear, owner_json, again, queue_count = ARGV[6], ARGV[7], ARGV[8] == '1', tonumber(ARGV[9])
local TASKS_KEPT = 604800  -- seconds; whoever still needs them tells them again
local MET_AT_ONCE = 500  -- so many overdue, or without a slot, met on the way, and the rest is left to the next claim
local CHUNK = 64  -- places read from a line at a time
local DIGITS = 15  -- of a token's number, its end
--#include calls lines blocks slots
local name = redis.call('HGET', K .. 'names', owner)
if not name then return {'lost'} end
begin_without_memory()

local last = redis.call('HGET', K .. 'last', owner)
if last then
  local taken = cmsgpack.unpack(last)
  local newest = table.remove(taken, 1)
  if newest == token then
    local answer, messages, records = {'ok', {}, {}, 0}, fetched(K .. 'msg', taken), fetched(K .. 'rec', taken)
    for i, record in ipairs(records) do
      local fence, rest = string.match(record or '', '^%[1,(%d+),(.*)$')
      if fence and string.sub(rest, 1, #owner_json + 1) == owner_json .. ',' then
        local attempt, crashes = string.match(string.sub(rest, #owner_json + 2), '^(%-?%d+),(%d+),')
        for _, each in ipairs({messages[i], tonumber(fence), tonumber(attempt), tonumber(crashes)}) do
          answer[#answer + 1] = each
        end
      end
    end
    return answer
  elseif string.sub(newest, 1, -DIGITS - 1) == string.sub(token, 1, -DIGITS - 1) and newest > token then
    return {'ok', {}, {}, 0}
  end
end

local known_key = K .. 'known:' .. digest
if digest ~= '*' and redis.call('EXISTS', known_key) == 0 then
  local tasks = ARGV[11 + 2 * queue_count]
  if not tasks then return {'tasks'} end
  chunked('SADD', known_key, cmsgpack.unpack(tasks))
  redis.call('EXPIRE', known_key, TASKS_KEPT)
end

-- The lines with a due message of a known task, by priority.
local known, levels, priorities, met = {}, {}, {}, {}
for i = 1, queue_count do
  local queue = ARGV[9 + 2 * i]
  for _, slot in ipairs(met[queue] and {} or redis.call('SMEMBERS', K .. 'q:' .. queue)) do
    local priority, task = string.match(slot, '^(%-?%d+):(.*)$')
    if known[task] == nil then
      known[task] = digest == '*' or redis.call('SISMEMBER', known_key, task) == 1
    end
    if known[task] then
      local line = {name = queue, queue = ARGV[10 + 2 * i], slot = slot, task = task, key = line_key(queue, slot)}
      local first = redis.call('ZRANGEBYSCORE', line.key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
      if first[1] then
        line.read, line.at, line.places = 1, 1, first
        priority = tonumber(priority)
        line.priority = priority
        if not levels[priority] then
          levels[priority] = {}
          priorities[#priorities + 1] = priority
        end
        table.insert(levels[priority], line)
      end
    end
  end
  met[queue] = true
end
table.sort(priorities, function(one, other) return one > other end)

-- Move a line on to its next place; false at its end.
local function step(line)
  if line.at > #line.places then
    local size = math.min(CHUNK, limit + 1)
    line.places = redis.call('ZRANGEBYSCORE', line.key, '-inf', now, 'WITHSCORES', 'LIMIT', line.read, size)
    line.read, line.at = line.read + size, 1
  end
  line.member, line.due = line.places[line.at], tonumber(line.places[line.at + 1])
  line.at = line.at + 2
  return line.member ~= nil
end

-- What is still room for: of tasks that have a limit, and of slots.
local limits, running, tokens, full_at = ARGV[10] ~= '' and cmsgpack.unpack(ARGV[10]) or {}, nil, {}, {}

local function count_running()
  running = {}
  local held = redis.call('HGETALL', K .. 'h')
  for i = 1, #held, 2 do
    local is_json, place = pcall(cjson.decode, held[i])
    if is_json and type(place) == 'table' then running[place[2]] = (running[place[2]] or 0) + held[i + 1] end
  end
end

local function has_room(task)
  local limit = limits[task]
  if not limit then return true end
  local most, rate, burst, bucket = unpack(limit)
  if most >= 0 then
    if not running then count_running() end
    if (running[task] or 0) >= most then return false end
  end
  if rate < 0 then return true end
  if not tokens[bucket] then
    local left, at = string.match(redis.call('HGET', K .. 'buckets', bucket) or '', '^(.*);(.*)$')
    tokens[bucket] = math.min(burst, (left or burst) + (now - (at or now)) / 1000 * rate)
  end
  return tokens[bucket] >= 1
end

local function take_room(task)
  local limit = limits[task]
  if not limit then return end
  local _, rate, burst, bucket = unpack(limit)
  if running then running[task] = (running[task] or 0) + 1 end
  if rate >= 0 then
    tokens[bucket] = tokens[bucket] - 1
    full_at[bucket] = rate > 0 and now + (burst - tokens[bucket]) / rate * 1000 or math.huge
  end
end

local slots = {}  -- how many are in hand
local function has_slot(slot)
  local size = slot.size or 1
  if not slots[slot.key] then slots[slot.key] = in_slot(slot.key, size) end
  return slots[slot.key] < size
end

local ids, flags, from, members, overdue, is_full = {}, {}, {}, {}, {}, limit < 1
local specials, aside = {}, {}
for _, priority in ipairs(priorities) do
  local lines = levels[priority]
  if not is_full then
    for _, line in ipairs(lines) do step(line) end
  end
  while #lines > 0 and not is_full do
    local best = 1
    for i = 2, #lines do
      local one, other = lines[i], lines[best]
      if one.due < other.due or (one.due == other.due and one.member < other.member) then best = i end
    end
    local line = lines[best]
    local flag, id = tonumber(string.sub(line.member, 15, 15), 16) or 0, string.sub(line.member, 16)
    local is_crashed, has_line_room = flag % SPECIAL >= 4, true
    local expires = flag % 2 == 1 and redis.call('ZSCORE', K .. 'exp', id)
    if expires and tonumber(expires) <= tonumber(now) then
      overdue[#overdue + 1] = id
      is_full = #overdue >= MET_AT_ONCE
    elseif not has_room(line.task) then
      has_line_room = false
    else
      local special = flag >= SPECIAL and particulars(redis.call('HGET', K .. 'msg', id)) or {}
      if special.slot and not has_slot(special.slot) then
        aside[#aside + 1] = {id, special.slot.key, line.name, line.task, line.priority, line.due, line.member, line}
        is_full = #aside >= MET_AT_ONCE
      elseif is_crashed and #ids > 0 then
        is_full = true
      else
        ids[#ids + 1], from[#from + 1], members[#members + 1] = id, line, line.member
        flags[#flags + 1], specials[id] = is_crashed and flag - 4 or flag, special
        is_full = is_crashed or #ids >= limit
        take_room(line.task)
        if special.slot then slots[special.slot.key] = slots[special.slot.key] + 1 end
      end
    end
    if not is_full and not (has_line_room and step(line)) then table.remove(lines, best) end
  end
end

-- What the record of one in hand says of the line that it came from, as JSON; `h` counts by the same text.
local function hand_of(line)
  line.hand = line.hand or '[' .. line.queue .. ',' .. cjson.encode(line.task) .. ']'
  return line.hand
end

local answer, unreadable = {'ok', overdue, {}, #aside >= MET_AT_ONCE and 1 or 0}, {}
local messages, records = fetched(K .. 'msg', ids), fetched(K .. 'rec', ids)
local written, taken, unexpired, held, left, states = {}, {}, {}, {}, {}, {}
for i, id in ipairs(ids) do
  local line, fence, attempt, crashes, state, tail = from[i], 0, 0, 0, 'PENDING', '{}'
  if messages[i] and records[i] then
    fence, attempt, crashes, state, tail = string.match(
      records[i], '^%[0,(%d+),"",(%-?%d+),(%d+),%-?%d+,"","(%u+)",null,%d+,"",(.*)%]$')
  end
  left[line] = left[line] or {}
  table.insert(left[line], members[i])
  if messages[i] and not fence then
    unreadable[#unreadable + 1] = id  -- in hand as it is, until the caller or maintain sets it aside
  elseif messages[i] then
    fence, attempt = fence + 1, attempt + 1
    written[#written + 1] = id
    written[#written + 1] = table.concat({'[1', fence, owner_json, attempt, crashes, now, name, '"RECEIVED"', 'null',
      flags[i], hand_of(line), tail .. ']'}, ',')
    taken[#taken + 1] = id
    if flags[i] % 2 == 1 then unexpired[#unexpired + 1] = id end
    if state ~= 'PENDING' then states[state] = (states[state] or 0) + 1 end
    held[line.hand] = (held[line.hand] or 0) + 1
    local special = specials[id]
    if special.slot then redis.call('SADD', K .. 'sl:' .. special.slot.key, id) end
    if special.unique and special.unique['until'] == 'start' then let_go(special.unique.key, id) end
    answer[#answer + 1], answer[#answer + 2] = messages[i], fence
    answer[#answer + 1], answer[#answer + 2] = attempt, tonumber(crashes)
  end
end
answer[3] = unreadable
chunked('SADD', K .. 'own:' .. owner, unreadable)

if #taken > 0 then
  chunked('HSET', K .. 'rec', written)
  chunked('SADD', K .. 'own:' .. owner, taken)
  chunked('ZREM', K .. 'exp', unexpired)
  redis.call('HINCRBY', K .. 'n', 'RECEIVED', #taken)
  for state, count in pairs(states) do redis.call('HINCRBY', K .. 'n', state, -count) end
  for hand, count in pairs(held) do tally(K .. 'h', hand, count) end
end
if #taken > 0 or again then
  table.insert(taken, 1, token)
  redis.call('HSET', K .. 'last', owner, cmsgpack.pack(taken))
end
for _, each in ipairs(aside) do
  local line = table.remove(each)
  left[line] = left[line] or {}
  table.insert(left[line], each[7])
  step_aside(unpack(each))
end
for bucket, instant in pairs(full_at) do
  redis.call('HSET', K .. 'buckets', bucket, string.format('%.17g;%s', tokens[bucket], now))
  redis.call('ZADD', K .. 'full', instant == math.huge and '+inf' or string.format('%.0f', math.ceil(instant)), bucket)
end
for line, places in pairs(left) do leave_line(line.name, line.slot, places) end
if ear ~= '' then
  for i = 1, queue_count do
    local queue = ARGV[9 + 2 * i]
    if #answer > 4 then
      redis.call('SREM', ear_key(queue, digest), ear)
    else
      leave_ear(queue, digest, ear)
    end
  end
end
return answer
