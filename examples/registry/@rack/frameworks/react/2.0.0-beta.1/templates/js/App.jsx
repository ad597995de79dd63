import { useActionState } from 'react';

let nextId = 1;

function addTodo(todos, form) {
  const input = form.get('text');
  const text = typeof input === 'string' ? input.trim() : '';
  return text === '' ? todos : [...todos, { id: nextId++, text }];
}

export function App() {
  const [todos, add, pending] = useActionState(addTodo, []);

  return (
    <main>
      <title>Todos</title>
      <h1>Todos</h1>
      <form action={add}>
        <label>
          What is to be done? <input name="text" required maxLength={200} autoComplete="off" />
        </label>
        <button type="submit" disabled={pending}>
          Add
        </button>
      </form>
      <ul>
        {todos.map((todo) => (
          <li key={todo.id}>{todo.text}</li>
        ))}
      </ul>
    </main>
  );
}
