-- Enqueue firings, each exactly once.
-- Parameters: KEYS[1] the namespace; ARGV now, token of this call, number; of each: name, kind (auto or manual),
--   version, expected next_fire, nominal (or ''), next_fire (or ''), missed, number of messages; then all the messages
--   as parts/put.lua wants them
-- Result: for each 1 (won) or 0 (lost)
-- State: not fired -> fired, its messages put, the schedule moved on
-- Safe: a script runs alone: compare-and-set on version and next_fire, and a unique firing. Sent twice, the second finds
--   the firing under its own token, and so has won
-- Reads everything, decides, then writes everything, in few calls of many arguments: with 14 calls for each firing it
-- took the server 56 us of each in a batch of 1,000, so it takes 27.
local K, now, token, count, FIELDS = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), 8
--#include calls lines put schedules
local function at_of(i)
  return 4 + (i - 1) * FIELDS
end

local names, states = {}, {}
for i = 1, count do names[i] = ARGV[at_of(i)] end
for i, text in ipairs(fetched(K .. 'schx', names)) do
  if text and not states[names[i]] then states[names[i]] = unpacked_state(text) end
end

local firings = {}
for i, name in ipairs(names) do
  local at, state = at_of(i), states[name]
  firings[i] = state and (state.id .. '|' .. ARGV[at + 4] .. '|' .. ARGV[at + 1]) or ''
end
local known = fetched(K .. 'fired', firings)

local here, moved, is_moved, noted, ages = {}, {}, {}, {}, {}
-- Returns whether the firing won, and whether its messages are to be put.
local function fire(i)
  local at, name, firing, state = at_of(i), names[i], firings[i], states[names[i]]
  if not state then return false, false end
  local nominal, is_known = ARGV[at + 4], here[firing] or (ARGV[at + 4] ~= '' and known[i])
  if is_known == token then
    here[firing] = true
    return true, false
  end
  if ARGV[at + 1] == 'auto' then
    if state.version ~= ARGV[at + 2] or state.next ~= ARGV[at + 3] then return false, false end
    state.next, state.missed = ARGV[at + 5], state.missed + ARGV[at + 6]
    if nominal ~= '' and not is_known then state.last, state.total = nominal, state.total + 1 end
    if not is_moved[name] then is_moved[name], moved[#moved + 1] = true, name end
  end
  if nominal == '' then return true, false end
  if is_known then return false, false end
  here[firing] = true
  noted[#noted + 1], noted[#noted + 2] = firing, token
  ages[#ages + 1], ages[#ages + 2] = nominal, firing
  return true, true
end

local told, stretches, at_message = {}, {}, at_of(count + 1)
for i = 1, count do
  local won, is_new = fire(i)
  local number, last = tonumber(ARGV[at_of(i) + 7]), stretches[#stretches]
  told[i] = won and 1 or 0
  if is_new and last and last.till == at_message then
    last.number = last.number + number
    last.till = at_message + number * STRIDE
  elseif is_new then
    stretches[#stretches + 1] = {from = at_message, number = number, till = at_message + number * STRIDE}
  end
  at_message = at_message + number * STRIDE
end

local rows, coming, gone = {}, {}, {}
for _, name in ipairs(moved) do
  local state = states[name]
  rows[#rows + 1], rows[#rows + 2] = name, packed_state(state)
  if is_to_come(state) then
    coming[#coming + 1], coming[#coming + 2] = state.next, name
  else
    gone[#gone + 1] = name
  end
end
chunked('HSET', K .. 'schx', rows)
chunked('ZADD', K .. 'due', coming)
chunked('ZREM', K .. 'due', gone)
chunked('HSET', K .. 'fired', noted)
chunked('ZADD', K .. 'fires', ages)
for _, stretch in ipairs(stretches) do put(stretch.from, stretch.number, now) end
return told
