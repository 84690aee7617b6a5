export function App() {
  return <p>Nothing here yet.</p>;
}
