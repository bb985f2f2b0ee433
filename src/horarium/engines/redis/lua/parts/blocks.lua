-- What waits and stands in no line. `block` says of each such message "WHY;QUEUE", `blocked` lists them by turn, `bn` counts
-- them by queue. WHY is "SIZE+WIDENED" of a gate ("?+WIDENED" as long as nobody knows its size), or "aside" (see slots.lua), or
-- of a gate that has turned "ripe" or "doomed": it is in the set `turned` until Python has carried that out (see gates.py).
-- `g:ID` is a hash of what has arrived at a gate: id -> "PLACE;VALUE". `doom` says why a gate is doomed (JSON of gates.Doom).
local ALL_TOLD = 64  -- arrivals that are told at once; those of a larger gate are read apart
local turned = {}  -- by this script

local function why_of(id)
  return string.match(redis.call('HGET', K .. 'block', id) or '', '^([^;]*);(.*)$')
end

local function block(id, turn, queue, why)
  redis.call('HSET', K .. 'block', id, why .. ';' .. queue)
  redis.call('ZADD', K .. 'blocked', turn, id)
  redis.call('HINCRBY', K .. 'bn', queue, 1)
end

local function unblock(id)
  local why, queue = why_of(id)
  if not why then return end
  redis.call('HDEL', K .. 'block', id)
  redis.call('ZREM', K .. 'blocked', id)
  tally(K .. 'bn', queue, -1)
  if why ~= 'aside' then
    redis.call('DEL', K .. 'g:' .. id)
    redis.call('HDEL', K .. 'doom', id)
    redis.call('SREM', K .. 'turned', id)
  end
end

local function turn_gate(id, why, queue)
  redis.call('HSET', K .. 'block', id, why .. ';' .. queue)
  redis.call('SADD', K .. 'turned', id)
  turned[#turned + 1] = id
end

local function look_at_gate(id)
  local why, queue = why_of(id)
  local size, widened = string.match(why or '', '^(%d+)%+(%d+)$')
  if size and redis.call('HLEN', K .. 'g:' .. id) >= size + widened then turn_gate(id, 'ripe', queue) end
end

-- Block messages that have gates: a list of {id, turn, queue, size ('' if it is not known)}.
local function set_gates(gates)
  local whys, places, counts = {}, {}, {}
  for _, gate in ipairs(gates) do
    local id, turn, queue, size = unpack(gate)
    whys[#whys + 1], whys[#whys + 2] = id, (size == '' and '?' or size) .. '+0;' .. queue
    places[#places + 1], places[#places + 2] = turn, id
    counts[queue] = (counts[queue] or 0) + 1
  end
  chunked('HSET', K .. 'block', whys)
  chunked('ZADD', K .. 'blocked', places)
  for queue, count in pairs(counts) do redis.call('HINCRBY', K .. 'bn', queue, count) end
  for _, gate in ipairs(gates) do
    if gate[4] == 0 or gate[4] == '0' then look_at_gate(gate[1]) end
  end
end

local function widen(id, by)
  local why, queue = why_of(id)
  local size, widened = string.match(why or '', '^([%d?]+)%+(%d+)$')
  if size then
    redis.call('HSET', K .. 'block', id, string.format('%s+%.0f;%s', size, widened + by, queue))
  end
end

-- Let one that has succeeded arrive at a gate: it is written by let_in, for all that arrive at one gate together.
local arriving, arrived_at = {}, {}
local function arrive(id, value, gate, place)
  local list = arriving[gate]
  if not list then
    list = {ids = {}, texts = {}}
    arriving[gate], arrived_at[#arrived_at + 1] = list, gate
  end
  list.ids[#list.ids + 1], list.texts[#list.texts + 1] = id, place .. ';' .. value
end

local function let_in()
  for _, gate in ipairs(arrived_at) do
    local why, queue = why_of(gate)
    local size, widened = string.match(why or '', '^([%d?]+)%+(%d+)$')
    if size then
      local list, key, new = arriving[gate], K .. 'g:' .. gate, {}
      local wanted = tonumber(size) and size + widened or math.huge
      local arrived, known = redis.call('HLEN', key), fetched(key, list.ids)
      for i, id in ipairs(list.ids) do
        if not known[i] and arrived < wanted then
          new[#new + 1], new[#new + 2] = id, list.texts[i]
          arrived = arrived + 1
        end
      end
      chunked('HSET', key, new)
      if arrived >= wanted then turn_gate(gate, 'ripe', queue) end
    end
  end
  arriving, arrived_at = {}, {}
end

-- Note that those who wait for a message that did not succeed are doomed. The first one who dooms wins.
local function doom(ids, text)
  for _, id in ipairs(ids) do
    local why, queue = why_of(id)
    if string.match(why or '', '^[%d?]+%+') then
      redis.call('HSET', K .. 'doom', id, text)
      turn_gate(id, 'doomed', queue)
    end
  end
end

-- Tell of gates that have turned all that is needed to carry it out: id, message, record, why and queue, doom, and what has
-- arrived (flat pairs; false where it is much).
local function told_of(ids)
  local told, messages, records = {}, fetched(K .. 'msg', ids), fetched(K .. 'rec', ids)
  local whys, dooms = fetched(K .. 'block', ids), fetched(K .. 'doom', ids)
  for i, id in ipairs(ids) do
    local key = K .. 'g:' .. id
    local arrived = redis.call('HLEN', key) <= ALL_TOLD and redis.call('HGETALL', key)
    for _, each in ipairs({id, messages[i], records[i], whys[i], dooms[i], arrived}) do told[#told + 1] = each end
  end
  return told
end
