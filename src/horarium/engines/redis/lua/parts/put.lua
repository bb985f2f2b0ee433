-- Store the messages that begin at these arguments, ten each: id, queue, priority, task, due ('' for now), expires (or
-- ''), created, what only some have ('', or a msgpack map: index, names of indexes; gate, its size or ''; special, true if it
-- has a slot or a unique key; unique, {key, ms that it lasts or '', whether it replaces}), nominal (or ''), message (JSON).
-- Returns 1 for each that is new, 0 for one whose id is known, and the id of another one that holds its unique key. A message
-- is kept as "turn;due;put;JSON".
local STRIDE = 10

-- Add the places of so many messages to a list.
local function add_places(places, from, count)
  for i = 0, count - 1 do places[#places + 1] = from + i * STRIDE end
  return places
end

-- Let a message take the place of another one that waits; it stays that one in what it is known by.
local function supersede(id, at, extras, now)
  local stored, record = redis.call('HGET', K .. 'msg', id), redis.call('HGET', K .. 'rec', id) or ''
  local before, newer = particulars(stored), particulars(ARGV[at + 9])
  if not before or not newer or (record ~= '' and string.sub(record, 1, 3) ~= '[0,') then return end
  local queue, slot, expires = ARGV[at + 1], ARGV[at + 2] .. ':' .. ARGV[at + 3], ARGV[at + 5]
  local due = ARGV[at + 4] == '' and now or ARGV[at + 4]
  local turn, put_at = string.match(before.kept, '^(%d+);%-?%d+;(%-?%d+);')
  local crashes = string.match(record, '^%[0,%d+,"",%-?%d+,(%d+),') or '0'
  local flags = SPECIAL + (crashes ~= '0' and 4 or 0)
  for _, name in ipairs({'schedule', 'parent', 'root'}) do
    if string.find(before.kept, '"' .. name .. '":"[^"]') then
      flags = flags + 2
      break
    end
  end
  local function place(is_limited)
    return turn .. string.format('%x', flags + (is_limited and 1 or 0)) .. id
  end
  local why, place_before, place_now = why_of(id), place(before.expires), place(expires ~= '')
  if not why then
    leave_line(before.queue, before.line, {place_before})
  elseif why == 'aside' then
    leave_aside(before.slot.key, before.queue, before.task, place_before)
    unblock(id)
  elseif before.queue ~= queue then
    redis.call('HSET', K .. 'block', id, why .. ';' .. queue)
    tally(K .. 'bn', before.queue, -1)
    redis.call('HINCRBY', K .. 'bn', queue, 1)
  end
  redis.call('ZREM', K .. 'exp', id)
  if expires ~= '' then redis.call('ZADD', K .. 'exp', expires, id) end
  local head = string.match(before.kept, '^[^;]*;[^;]*;[^;]*;(.*)$')
  local _, middle = string.match(ARGV[at + 9], '^([^\n]*)\n([^\n]*)\n')
  redis.call('HSET', K .. 'msg', id,
    table.concat({turn, due, put_at, head .. '\n' .. middle .. '\n' .. newer.rest}, ';'))
  hold(extras.unique[1], id, extras.unique[2], now)
  if not why or why == 'aside' then
    line_up(queue, slot, {due, place_now})
    if tonumber(due) <= tonumber(now) then wake(queue, ARGV[at + 3], 1) end
  end
  if before.slot then free_slot(before.slot.key, now) end  -- it may not want the slot any more, or not before long
end

local function put(places, now)
  local ids, told, fresh, seen = {}, {}, {}, {}
  for i, at in ipairs(places) do ids[i] = ARGV[at] end
  local known = fetched(K .. 'msg', ids)
  for i in ipairs(places) do
    if known[i] or seen[ids[i]] then
      told[i] = 0
    else
      told[i], seen[ids[i]], fresh[#fresh + 1] = 1, i, i
    end
  end
  if #fresh == 0 then return told end
  local messages, ages, expiries, queues, sent, instant = {}, {}, {}, {}, {}, tonumber(now)
  local indexed, gates = {}, {}
  local turn = redis.call('INCRBY', K .. 'turn', #fresh) - #fresh
  local function write()
    chunked('HSET', K .. 'msg', messages)
    chunked('ZADD', K .. 'age', ages)
    chunked('ZADD', K .. 'exp', expiries)
    chunked('HSET', K .. 'sent', sent)
    for name, entries in pairs(indexed) do chunked('ZADD', K .. 'i:' .. name, entries) end
    if #gates > 0 then set_gates(gates) end
    for queue, slots in pairs(queues) do
      for slot, line in pairs(slots) do
        line_up(queue, slot, line)
        if line.due > 0 then wake(queue, line.task, line.due) end
      end
    end
    messages, ages, expiries, queues, sent, indexed, gates = {}, {}, {}, {}, {}, {}, {}
  end
  for _, i in ipairs(fresh) do
    local at = places[i]
    turn = turn + 1
    local id, queue, task, due, expires = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
    local created, flags, place = ARGV[at + 6], 0, string.format('%014d', turn)
    local extras, holder = ARGV[at + 7] ~= '' and cmsgpack.unpack(ARGV[at + 7]) or nil, nil
    if due == '' then due = now end
    if extras and extras.unique then
      write()  -- the holder may be among those before it
      holder = holder_of(extras.unique[1], now)
    end
    if holder then
      told[i] = holder
      if extras.unique[3] then supersede(holder, at, extras, now) end
    else
      if expires ~= '' then
        flags = 1
        expiries[#expiries + 1], expiries[#expiries + 2] = expires, id
      end
      if extras then
        if extras.special then flags = flags + SPECIAL end
        if extras.unique then hold(extras.unique[1], id, extras.unique[2], now) end
        if extras.gate then gates[#gates + 1] = {id, place, queue, extras.gate} end
        if extras.index then flags = flags + 2 end
        for _, name in ipairs(extras.index or {}) do
          local entries = indexed[name] or {}
          indexed[name] = entries
          entries[#entries + 1], entries[#entries + 2] = created, id
          if string.sub(name, 1, 2) == 'h:' then
            name = string.sub(name, 3)
            redis.call('SADD', K .. 'a:' .. name, id)
            sent[#sent + 1], sent[#sent + 2] = id, ARGV[at + 8] .. ';' .. name
          end
        end
      end
      messages[#messages + 1], messages[#messages + 2] = id, place .. ';' .. due .. ';' .. now .. ';' .. ARGV[at + 9]
      ages[#ages + 1], ages[#ages + 2] = created, id
      if not (extras and extras.gate) then
        local slots = queues[queue]
        if not slots then slots = {}; queues[queue] = slots end
        local slot = ARGV[at + 2] .. ':' .. task
        local line = slots[slot]
        if not line then line = {task = task, due = 0}; slots[slot] = line end
        line[#line + 1], line[#line + 2] = due, place .. (flags > 9 and string.format('%x', flags) or flags) .. id
        if tonumber(due) <= instant then line.due = line.due + 1 end
      end
    end
  end
  write()
  for i, id in ipairs(ids) do
    if type(told[seen[id]]) == 'string' then told[i] = told[seen[id]] end  -- it came twice, and was not stored
  end
  return told
end
