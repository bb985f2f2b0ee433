-- Enqueue what is due of schedules, each instant exactly once.
-- Parameters: KEYS[1] the namespace; ARGV now, token of this call, number; of each firing: name, kind (auto, backfill or
--   manual), version, expected next_fire, next_fire (or ''), missed, overlap, max_active, how those that are active make
--   way (msgpack list of move.Move, one for each that was looked at; or ''), number of messages; then all the messages
--   as parts/put.lua wants them
-- Result: {the fate of each, a letter: s sent, k skipped, h held, r repeated, l lost, or ? for undecided: nothing was done,
--   since those active must make way, and it is not known yet how; or since one before it is undecided; then of each
--   undecided one the list of ids that it meets}
-- State: not fired -> fired, its messages put, the schedule moved on; or skipped; or the schedule is held
-- Safe: a script runs alone: compare-and-set on version and next_fire, and a unique firing. Sent twice, the second finds
--   what the first one has answered. Those active are moved only as they were looked at (see commit.lua)
local K, now, token, count, FIELDS = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), 10
local SAID_KEPT = 60  -- seconds; whoever did not get the answer asks again within a few
--#include calls lines blocks slots schedules sent put moves
local said = redis.call('GET', K .. 'said:' .. token)
if said then return cmsgpack.unpack(said) end

-- What is read in one call for all of them, and what is written in one: a call takes as long as many of its arguments.
local names, messages_at, keys, fired, at_message = {}, {}, {}, {}, 4 + count * FIELDS
for i = 1, count do
  local at = 4 + (i - 1) * FIELDS
  names[i], messages_at[i] = ARGV[at], at_message
  at_message = at_message + tonumber(ARGV[at + 9]) * STRIDE
end
learn_states(names)

local function nominal_of(place)
  return ARGV[place + 8] == '' and '0' or ARGV[place + 8]
end

local key_of = {}  -- by the place of a message: the name of its firing
for i = 1, count do
  local at, state = 4 + (i - 1) * FIELDS, state_of(names[i])
  for _, place in ipairs(state and add_places({}, messages_at[i], tonumber(ARGV[at + 9])) or {}) do
    key_of[place] = state.id .. '|' .. nominal_of(place) .. '|' .. ARGV[at + 1]
    keys[#keys + 1] = key_of[place]
  end
end
for from = 1, #keys, PIECE do
  local scores = redis.call('ZMSCORE', K .. 'fires', unpack(keys, from, math.min(from + PIECE - 1, #keys)))
  for i, score in ipairs(scores) do fired[keys[from + i - 1]] = score end
end

local fates, active_ids, undecided, is_any_undecided, puts, put_names, firings = {}, {}, {}, false, {}, {}, {}
local function put_all()
  put(puts, now)
  puts, put_names = {}, {}
end

local function note(new)
  for _, place in ipairs(new) do
    fired[key_of[place]] = true
    firings[#firings + 1], firings[#firings + 2] = nominal_of(place), key_of[place]
  end
end

local function enqueue(name, new)
  note(new)
  for _, place in ipairs(new) do puts[#puts + 1] = place end
  put_names[name] = true
end

-- Of each that is active how it makes way; nil if that is not known, or does not hold any more.
local function ways_of(active, looked_at)
  local known, ways = {}, {}
  for _, move in ipairs(looked_at ~= '' and cmsgpack.unpack(looked_at) or {}) do known[move.id] = move end
  for i, id in ipairs(active) do
    ways[i] = known[id]
    if not known[id] or not holds(known[id]) then return nil end
  end
  return ways
end

-- Leave a firing for the next call, and so all after it: messages are put in the order of firings.
local function leave_undecided(name, active)
  undecided[name], is_any_undecided, active_ids[#active_ids + 1] = true, true, active
  return '?'
end

local function fire(i, at)
  local name, kind, overlap, number = names[i], ARGV[at + 1], ARGV[at + 6], tonumber(ARGV[at + 9])
  local state, new = state_of(name), {}
  if not state then return 'l' end
  if undecided[name] then return leave_undecided(name, {}) end
  if kind ~= 'manual' and (state.version ~= ARGV[at + 2] or state.next ~= ARGV[at + 3]) then return 'l' end
  for _, place in ipairs(add_places({}, messages_at[i], number)) do
    if not fired[key_of[place]] then new[#new + 1] = place end
  end
  local active, ways = {}, {}
  if kind ~= 'manual' and #new > 0 and overlap ~= 'allow' then
    if put_names[name] then put_all() end
    active = active_of(name, state)
    if #active < tonumber(ARGV[at + 7]) then active = {} end
  end
  local must_make_way = #active > 0 and overlap ~= 'queue_one' and overlap ~= 'skip'
  if must_make_way then ways = ways_of(active, ARGV[at + 8]) end
  if is_any_undecided or not ways then return leave_undecided(name, must_make_way and active or {}) end
  if kind == 'manual' then
    enqueue(name, new)
    return #new > 0 and 's' or 'r'
  end
  if #active > 0 and overlap == 'queue_one' then
    state.held, changed[name] = '1', true
    return 'h'
  end
  state.next, state.missed, changed[name] = ARGV[at + 4], state.missed + ARGV[at + 5], true
  state.held = state.held == '' and '' or '0'
  if #active > 0 and overlap == 'skip' then
    state.skipped = state.skipped + #new
    note(new)
    return 'k'
  end
  for _, place in ipairs(new) do state.last = later(state.last, nominal_of(place)) end
  state.total = state.total + #new
  for _, way in ipairs(ways) do carry_out(way, now) end
  enqueue(name, new)
  return (#new > 0 or number == 0) and 's' or 'r'
end

for i = 1, count do fates[i] = fire(i, 4 + (i - 1) * FIELDS) end
put_all()
doom_all()
chunked('ZADD', K .. 'fires', firings)
write_states()
if is_any_ended then redis.call('PUBLISH', K .. 't:results', '1') end
table.insert(active_ids, 1, table.concat(fates))
redis.call('SET', K .. 'said:' .. token, cmsgpack.pack(active_ids), 'EX', SAID_KEPT)
return active_ids
