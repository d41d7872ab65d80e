import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;

/** Asks twice, on one connection, with Java's client as it is made by default. */
public class Ask {
  public static void main(String[] arguments) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int time = 0; time < 2; time++) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0]))
          .POST(HttpRequest.BodyPublishers.ofFile(Path.of(arguments[1])))
          .build();
      HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(response.statusCode() + " " + response.body());
    }
  }
}
