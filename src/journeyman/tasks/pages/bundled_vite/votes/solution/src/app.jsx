import { useState } from "preact/hooks";

const PLACES = ["Noodles", "Pizza", "Salad"];

export function App() {
  const [votes, setVotes] = useState(PLACES.map(() => 0));
  const most = Math.max(...votes);
  const leading = PLACES.filter((_, index) => most > 0 && votes[index] === most);
  const add = (at) => setVotes(votes.map((it, index) => it + (index === at ? 1 : 0)));
  return (
    <main>
      <h1>Where do we eat?</h1>
      <ul>
        {PLACES.map((place, index) => (
          <li key={place}>
            <button onClick={() => add(index)}>{place}</button> <span>{votes[index]}</span>
          </li>
        ))}
      </ul>
      <p role="status">{leading.length ? `Leading: ${leading.join(", ")}` : "No votes yet"}</p>
      <button disabled={most === 0} onClick={() => setVotes(PLACES.map(() => 0))}>
        Start again
      </button>
    </main>
  );
}
